"""PRODUCTS_API_TOKEN goes to the origin (scheme, host, port) of PRODUCTS_API_URL and nowhere else.

Whatever an answer says: a second server plays the other origin, and what it is asked, and with which token, counts.
"""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from glue.errors import GlueError
from glue.products import CatalogueError, ProductsApi
from tests.api import Answer, Api, gives, serve

# HTTP: no database is asked.
pytestmark = pytest.mark.once
TOKEN = "Bearer s3cret"
PAGE = [{"product_id": "P-1"}]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take away what would lead requests elsewhere, and the certificates that it would trust."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def api() -> Iterator[Api]:
    """The origin that is configured."""
    yield from serve()


@pytest.fixture
def other() -> Iterator[Api]:
    """Another one: the same host, another port."""
    yield from serve()


@pytest.fixture
def client(api: Api) -> ProductsApi:
    """A client with a token."""
    return ProductsApi(
        api.url, "s3cret", connect_seconds=2, read_seconds=2, whole_seconds=20, first_wait_seconds=0.01, attempts=2
    )


def fetched(client: ProductsApi) -> int:
    """Return the number of products of a catalogue."""
    with client.catalogue() as catalogue:
        return catalogue.products


def authority(api: Api) -> str:
    return api.url.split("/")[2]


# What an answer of the configured origin may say, to be asked elsewhere: by redirect, in its body, by Link.
WAYS: dict[str, Callable[[str], list[Answer]]] = {
    "301": lambda url: [gives(b"", 301, Location=url)],
    "302": lambda url: [gives(b"", 302, Location=url)],
    "307": lambda url: [gives(b"", 307, Location=url)],
    "308": lambda url: [gives(b"", 308, Location=url)],
    "next": lambda url: [gives({"items": PAGE, "next": url})],
    "link": lambda url: [gives(PAGE, Link=f'<{url}>; rel="next"')],
    "error first": lambda url: [gives(b"", 503), gives(b"", 302, Location=url)],
}
# How another origin may be written: {other} and {home} are host:port.
SPELLINGS = (
    "http://{other}/products",
    "//{other}/products",
    "http://s3cret@{other}/products",
    "http://{home}@{other}/products",
    "http://{other}\\@{home}/products",
    "http://{other}#@{home}/products",
    "http://{other}?@{home}/products",
    "\\\\{other}/products",
    "/\\{other}/products",
    " http://{other}/products",
    "http:\t//{other}/products",
    "HTTP://{other}/products",
    "https://{home}/products",
    "ftp://{other}/products",
    "file:///etc/hostname",
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_answer_brings_the_token_to_another_origin(
    api: Api, other: Api, client: ProductsApi, way: str, spelling: str
) -> None:
    url = spelling.format(other=authority(other), home=authority(api))
    api.at("/products", *WAYS[way](url))
    other.at("/products", gives(PAGE))
    with pytest.raises(CatalogueError):
        fetched(client)
    assert other.asked == []
    assert {token for _, token in api.asked} == {TOKEN}


@pytest.mark.parametrize("way", WAYS)
def test_another_origin_is_an_error_that_names_it(api: Api, other: Api, client: ProductsApi, way: str) -> None:
    api.at("/products", *WAYS[way](other.url.replace("//", "//user:passw0rd@") + "?key=passw0rd"))
    with pytest.raises(CatalogueError, match=f"another host or port than PRODUCTS_API_URL: {other.url}") as caught:
        fetched(client)
    assert "passw0rd" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert other.asked == []


def test_pages_that_follow_by_skip_after_a_redirect_are_asked_at_home(
    api: Api, other: Api, client: ProductsApi
) -> None:
    api.at("/products", gives(b"", 302, Location=other.url))
    other.at("/products", gives({"products": PAGE, "total": 2, "skip": 0, "limit": 1}))
    with pytest.raises(CatalogueError):
        fetched(client)
    assert other.asked == []


def test_another_origin_is_refused_without_a_token_too(api: Api, other: Api, client: ProductsApi) -> None:
    api.at("/products", gives(b"", 302, Location=other.url))
    with pytest.raises(CatalogueError, match="another host or port"):
        fetched(replace(client, token=None))
    assert other.asked == []


def test_a_cookie_or_a_login_of_the_url_goes_nowhere_else(api: Api, other: Api, client: ProductsApi) -> None:
    at_home = replace(client, url=api.url.replace("//", "//user:pass%2Fword@"), token=None)
    api.at("/products", gives({"items": PAGE, "next": api.url + "/2"}, Set_Cookie="session=s3cret"))
    api.at("/products/2", gives(b"", 302, Location=other.url))
    with pytest.raises(CatalogueError, match="another host or port"):
        fetched(at_home)
    assert [token for _, token in api.asked] == ["Basic dXNlcjpwYXNzL3dvcmQ="] * 2
    assert other.asked == []


def test_a_login_of_netrc_takes_the_place_of_no_token(api: Api, client: ProductsApi, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    (tmp_path / ".netrc").chmod(0o600)
    api.at("/products", gives(b"", 302, Location="/2"))
    api.at("/2", gives({"items": PAGE, "next": api.url.replace("//", "//c:d@")[:-9] + "/3"}))
    api.at("/3", gives([{"product_id": "P-2"}]))
    assert fetched(client) == 2
    assert [token for _, token in api.asked] == [TOKEN] * 3


def test_a_proxy_that_could_read_the_token_is_not_given_it(
    api: Api, other: Api, client: ProductsApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{authority(other)}")
    api.at("/products", gives(PAGE))
    with pytest.raises(CatalogueError, match="would pass a proxy that can read it: use https, or name the host"):
        fetched(client)
    assert api.asked == other.asked == []
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert fetched(client) == 1
    assert [token for _, token in api.asked] == [TOKEN]


def test_the_body_of_a_redirect_is_not_waited_for(api: Api, client: ProductsApi) -> None:
    gone_on = threading.Event()

    def drips(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", "/2")
        request.end_headers()
        try:
            while not gone_on.wait(0.05):
                request.wfile.write(b".")
        except OSError:
            pass  # the client has hung up

    def answer(request: BaseHTTPRequestHandler) -> None:
        gone_on.set()
        gives(PAGE)(request)

    # Would its body be read first, it were given up.
    api.at("/products", drips)
    api.at("/2", answer)
    started = time.monotonic()
    try:
        assert fetched(client) == 1
    finally:
        gone_on.set()
    assert time.monotonic() - started < client.whole_seconds


# -- https ---------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An origin of https, which the client trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def wrap(server: ThreadingHTTPServer) -> None:
        server.socket = context.wrap_socket(server.socket, server_side=True)

    for made in serve(prepare=wrap):
        made.url = made.url.replace("http:", "https:")
        yield made


@pytest.mark.parametrize("way", WAYS)
def test_from_https_the_token_does_not_go_to_http(secure: Api, client: ProductsApi, api: Api, way: str) -> None:
    secure.at("/products", *WAYS[way](api.url))
    with pytest.raises(CatalogueError, match=f"another host or port than PRODUCTS_API_URL: {api.url}"):
        fetched(replace(client, url=secure.url))
    assert api.asked == []
    assert {token for _, token in secure.asked} == {TOKEN}


def test_an_api_of_https_is_asked_with_the_token(secure: Api, client: ProductsApi) -> None:
    secure.at("/products", gives({"items": PAGE, "next": "/2"}))
    secure.at("/2", gives([{"product_id": "P-2"}]))
    assert fetched(replace(client, url=secure.url)) == 2
    assert [token for _, token in secure.asked] == [TOKEN, TOKEN]


@pytest.mark.parametrize("token", ["s3cret\nX: y", "s3cret\r\n", " s3cret", "s3crét\u2028"])
def test_a_token_that_is_no_header_is_in_no_message(api: Api, client: ProductsApi, token: str) -> None:
    api.at("/products", gives(PAGE))
    with pytest.raises(GlueError) as caught:
        fetched(replace(client, token=token))
    assert "s3cr" not in str(caught.value)
    assert api.asked == []

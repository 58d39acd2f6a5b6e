"""The products API: the catalogue comes whole, or it is an error that names URL and status, and nothing is kept."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from glue.errors import MissingSetting
from glue.extract import ExtractResult, extract
from glue.products import CatalogueError, ProductsApi
from tests.api import Answer, Api, gives, serve
from tests.conftest import Warehouse

Fetch = Callable[..., ExtractResult]

# HTTP: what answers become of which requests is decided before the database is asked.
pytestmark = pytest.mark.once
TODAY = datetime.now(UTC).date()


@pytest.fixture
def api() -> Iterator[Api]:
    """An API without any answer yet."""
    yield from serve()


@pytest.fixture
def other() -> Iterator[Api]:
    """An API on another origin."""
    yield from serve()


@pytest.fixture
def client(api: Api) -> ProductsApi:
    """An impatient client with a token."""
    return ProductsApi(
        api.url, "s3cret", connect_seconds=1, read_seconds=0.5, whole_seconds=3, first_wait_seconds=0.01,
        longest_wait_seconds=0.2, attempts=3, most_pages=50, most_bytes=1 << 20,
    )  # fmt: skip


@pytest.fixture
def fetch(warehouse: Warehouse, client: ProductsApi) -> Fetch:
    """Extract today's products with the real glue."""

    def fetch(day: date = TODAY, client: ProductsApi = client, refresh: bool = False) -> ExtractResult:
        zone = str(warehouse.landing.folder)
        return extract("products", day, dsn=warehouse.dsn, landing=zone, api=client, refresh=refresh)

    return fetch


def in_raw(warehouse: Warehouse) -> list[str]:
    return [
        row.text
        for row in warehouse.rows("SELECT raw_json::text AS text FROM raw.products_json ORDER BY raw_products_id")
    ]


def products(first: int, count: int) -> list[dict[str, str]]:
    return [{"product_id": f"P-{number}"} for number in range(first, first + count)]


def texts(count: int) -> list[str]:
    return [json.dumps(product) for product in products(0, count)]


# -- the forms of a page -------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["products", "items", "data", "results"])
def test_a_list_may_lie_under_its_usual_names(warehouse: Warehouse, api: Api, fetch: Fetch, key: str) -> None:
    api.at("/products", gives({"meta": {"items": [1]}, key: products(0, 3), "more": "x"}))
    fetch()
    assert in_raw(warehouse) == texts(3)
    row = warehouse.row("SELECT source, run_date, file_name, row_count FROM raw.file_loads")
    assert row == ("products", TODAY, "api.json", 3)


def test_products_pass_through_byte_for_byte(warehouse: Warehouse, api: Api, fetch: Fetch) -> None:
    elements = [
        b'{"a": 1, "a" :\n2}',
        b'{"price": 0.10, "n": 1e400}',
        b'{"s": "\\ud800 \\u0000"}',
        '{"ä": "]}"}'.encode(),
    ]
    api.at("/products", gives(b'\xef\xbb\xbf { "total" : 4, "products" : [' + b" ,\r\n".join(elements) + b" ] } \n"))
    fetch()
    assert in_raw(warehouse) == [element.decode() for element in elements]


def test_an_empty_catalogue_is_refused_unless_it_was_empty_before(warehouse: Warehouse, api: Api, fetch: Fetch) -> None:
    api.at("/products", gives({"products": [], "total": 0, "skip": 0, "limit": 30}))
    with pytest.raises(CatalogueError, match="the catalogue is empty, and there was none before"):
        fetch()
    warehouse.landing.put("products", TODAY - timedelta(days=2), "products.json", json.dumps(products(0, 3)))
    fetch(TODAY - timedelta(days=2))
    with pytest.raises(CatalogueError, match=rf"is empty, and that of {TODAY - timedelta(days=2)} had 3 products"):
        fetch()
    assert warehouse.value("SELECT count(*) FROM raw.file_loads") == 1
    warehouse.landing.put("products", TODAY - timedelta(days=1), "products.json", "[]")
    fetch(TODAY - timedelta(days=1))
    assert fetch().of("loaded") == ["api.json"]


def test_pages_by_total_skip_and_limit(warehouse: Warehouse, api: Api, fetch: Fetch) -> None:
    def page(request: BaseHTTPRequestHandler) -> None:
        query = {name: int(values[0]) for name, values in parse_qs(urlsplit(request.path).query).items()}
        skip, limit = query.get("skip", 0), query.get("limit", 4)
        found = products(0, 10)[skip : skip + limit]
        gives({"products": found, "total": 10, "skip": skip, "limit": len(found)})(request)

    api.at("/products", page)
    fetch()
    assert in_raw(warehouse) == texts(10)
    assert [path for path, _ in api.asked] == ["/products", "/products?skip=4&limit=4", "/products?skip=8&limit=4"]


def test_pages_by_next(warehouse: Warehouse, api: Api, fetch: Fetch) -> None:
    api.at("/products", gives({"results": products(0, 2), "next": "/products/2?cursor=abc"}))
    api.at("/products/2", gives({"results": products(2, 2), "next": api.url + "/3"}))
    api.at("/products/3", gives({"results": products(4, 1), "next": None}))
    fetch()
    assert in_raw(warehouse) == texts(5)
    assert {token for _, token in api.asked} == {"Bearer s3cret"}


def test_pages_by_link_header(warehouse: Warehouse, api: Api, fetch: Fetch) -> None:
    api.at("/products", gives(products(0, 2), Link='<?page=1>; rel="first", </products?page=2>; rel="next"'))
    api.at("/products?page=2", gives(products(2, 1), Link='<?page=1>; rel="first"'))
    fetch()
    assert in_raw(warehouse) == texts(3)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_at_home_is_followed_with_the_token(
    warehouse: Warehouse, api: Api, fetch: Fetch, status: int
) -> None:
    api.at("/products", gives(b"", status, Location="/catalogue/"))
    api.at("/catalogue/", gives(b"", status, Location=api.url.replace("/products", "/v2?page=1#top")))
    api.at("/v2?page=1", gives(products(0, 1)))
    fetch()
    assert in_raw(warehouse) == texts(1)
    assert api.asked == [(path, "Bearer s3cret") for path in ("/products", "/catalogue/", "/v2?page=1")]


def test_redirects_that_do_not_end_are_an_error(api: Api, fetch: Fetch) -> None:
    api.at("/products", gives(b"", 302, Location="/products"))
    with pytest.raises(CatalogueError, match="too many redirects"):
        fetch()
    assert len(api.asked) == 6


# -- when it is asked --------------------------------------------------------------------------------------


def test_it_is_asked_only_for_today_and_yesterday_and_only_once(warehouse: Warehouse, api: Api, fetch: Fetch) -> None:
    api.at("/products", gives(products(0, 1)))
    for days_ago in (0, 0, 1, 1, 2, -1):
        fetch(TODAY - timedelta(days=days_ago))
    assert len(api.asked) == 2
    days = warehouse.rows("SELECT run_date FROM raw.file_loads ORDER BY load_id")
    assert [row.run_date for row in days] == [TODAY, TODAY - timedelta(days=1)]


def test_refresh_asks_in_any_case_and_a_file_wins_over_it(warehouse: Warehouse, api: Api, fetch: Fetch) -> None:
    api.at("/products", gives(products(0, 1)), gives(products(0, 2)))
    long_ago = date(2020, 1, 1)
    for _ in range(3):
        fetch(long_ago, refresh=True)
    assert [row.row_count for row in warehouse.rows("SELECT row_count FROM raw.file_loads ORDER BY 1")] == [1, 2]
    warehouse.landing.put("products", TODAY, "p.json", "[]")
    assert fetch(refresh=True).of("loaded") == ["p.json"]
    assert len(api.asked) == 3


def test_without_its_url_it_cannot_be_asked(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRODUCTS_API_URL", raising=False)
    with pytest.raises(MissingSetting, match="PRODUCTS_API_URL is not set"):
        extract("products", TODAY, dsn=warehouse.dsn, landing=str(warehouse.landing.folder))
    assert extract("products", date(2020, 1, 1), dsn=warehouse.dsn, landing=str(warehouse.landing.folder)).skipped


# -- patience ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(warehouse: Warehouse, api: Api, fetch: Fetch, status: int) -> None:
    api.at("/products", gives(b"", status), gives(b"", status), gives(products(0, 1)))
    fetch()
    assert in_raw(warehouse) == texts(1)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured_within_reason(api: Api, fetch: Fetch, client: ProductsApi, form: str) -> None:
    soon = "1" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    api.at("/products", gives(b"", 429, Retry_After=soon), gives(products(0, 1)))
    started = time.monotonic()
    fetch(client=replace(client, longest_wait_seconds=60))
    assert 0.9 < time.monotonic() - started < 3
    api.at("/products", gives(b"", 503, Retry_After="86400"), gives(products(0, 1)))
    started = time.monotonic()
    fetch(TODAY - timedelta(days=1))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(("status", "asked"), [(400, 1), (401, 1), (403, 1), (404, 1), (204, 1), (503, 3)])
def test_a_status_that_stays_bad_is_an_error(
    warehouse: Warehouse, api: Api, fetch: Fetch, status: int, asked: int
) -> None:
    api.at("/products", gives(b"", status))
    with pytest.raises(CatalogueError, match=f"{api.url}: status {status}"):
        fetch()
    assert len(api.asked) == asked
    assert warehouse.value("SELECT count(*) FROM raw.file_loads") == 0


def test_nobody_there_is_an_error(warehouse: Warehouse, fetch: Fetch, client: ProductsApi) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/products"
    with pytest.raises(CatalogueError, match="no whole answer: Connection refused, 3 times"):
        fetch(client=replace(client, url=url))


def test_one_that_stalls_is_given_up(warehouse: Warehouse, api: Api, fetch: Fetch) -> None:
    api.at("/products", lambda request: time.sleep(2))
    with pytest.raises(CatalogueError, match="it took too long"):
        fetch()


def test_one_that_drips_is_given_up(warehouse: Warehouse, api: Api, fetch: Fetch, client: ProductsApi) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(100):
            request.wfile.write(b"[")
            request.wfile.flush()
            time.sleep(0.1)

    api.at("/products", drip)
    started = time.monotonic()
    with pytest.raises(CatalogueError, match="not whole after 1 s"):
        fetch(client=replace(client, whole_seconds=1))
    assert time.monotonic() - started < 3


# -- what is not whole ---------------------------------------------------------------------------------------


def cut(length: int, chunked: bool = False) -> Answer:
    body = json.dumps(products(0, 10)).encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.protocol_version = "HTTP/1.1"
        request.send_response(200)
        if chunked:
            request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            request.wfile.write(b"%x\r\n%s\r\n" % (length, body[:length]))
        else:
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body[:length])
        request.close_connection = True

    return answer


@pytest.mark.parametrize("chunked", [False, True])
def test_half_a_page_is_tried_again_and_then_an_error(
    warehouse: Warehouse, api: Api, fetch: Fetch, chunked: bool
) -> None:
    api.at("/products", cut(20, chunked), gives(products(0, 10)))
    assert fetch().rows == 10
    api.at("/products", cut(20, chunked))
    with pytest.raises(CatalogueError, match=rf"{api.url}: no whole answer: .*, 3 times"):
        fetch(TODAY - timedelta(days=1))
    assert warehouse.value("SELECT count(*) FROM raw.file_loads") == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'[{"product_id": "P-1"}, {"prod', "not a JSON array: a string is not closed"),
        (b'{"products": [{"product_id": "P-1"}', "not a JSON object: it ends too early"),
        (b'{"products": [{"a": tru}]}', "product 1 is not JSON"),
        (b'{"products": [NaN]}', "product 1 is not JSON"),
        (b'{"products": [1]} [2]', "not a JSON object: text after its end"),
        (b'{"products": [1], "total": x}', "not JSON"),
        (b'{"product": [1]}', "no list under products, items, data or results"),
        (b'{"products": {"a": 1}}', "no list under products"),
        (b'{"products": null}', "no list under products"),
        (b"{}", "no list under products"),
        (b"", "neither a JSON array nor an object"),
        (b"<html>", "neither a JSON array nor an object"),
        (b"null", "neither a JSON array nor an object"),
        (b"[" + b"[" * 600 + b"]" * 600 + b"]", "product 1 is nested deeper than 512"),
        (b'["\xff"]', "product 1 is not UTF-8"),
        (b'{"products": [1], "next": 7}', "`next` is no URL"),
        (b'{"products": [1], "total": 5, "next": null}', "its pages end at 1 of 5 products"),
        (b'{"products": [], "total": 5}', "its pages end at 0 of 5 products"),
        (b"[" + b"1," * 600_000 + b"1]", "more than 1048576 bytes"),
    ],
)
def test_a_page_that_will_not_do_is_an_error(
    warehouse: Warehouse, api: Api, fetch: Fetch, body: bytes, reason: str
) -> None:
    api.at("/products", gives(body))
    with pytest.raises(CatalogueError, match=rf"products API: {api.url}: status 200, but .*{reason}"):
        fetch()
    assert warehouse.value("SELECT count(*) FROM raw.file_loads") == 0
    assert in_raw(warehouse) == []


def test_one_bad_page_among_many_and_nothing_is_kept(warehouse: Warehouse, api: Api, fetch: Fetch) -> None:
    api.at("/products", gives({"items": products(0, 2), "next": "/products/2"}))
    api.at("/products/2", gives(b"", 500))
    with pytest.raises(CatalogueError, match=f"{api.url}/2: status 500"):
        fetch()
    assert in_raw(warehouse) == []


@pytest.mark.parametrize(
    ("following", "reason"),
    [
        ({"items": products(0, 2), "next": "/products?page=1"}, "the same page as before"),
        ({"items": products(2, 2), "next": "/products"}, "its pages do not end"),
    ],
)
def test_pages_that_repeat_are_an_error(
    warehouse: Warehouse, api: Api, fetch: Fetch, following: dict[str, Any], reason: str
) -> None:
    api.at("/products", gives({"items": products(0, 2), "next": "/products?page=1"}))
    api.at("/products?page=1", gives(following))
    with pytest.raises(CatalogueError, match=reason):
        fetch()


def test_an_api_that_ignores_skip_is_an_error(warehouse: Warehouse, api: Api, fetch: Fetch) -> None:
    api.at("/products", *(gives({"products": products(n, 2), "total": 4, "skip": 0, "limit": 2}) for n in (0, 1)))
    with pytest.raises(CatalogueError, match="asked to skip 2 it skipped 0"):
        fetch()


def test_pages_that_never_end_are_an_error(warehouse: Warehouse, api: Api, fetch: Fetch) -> None:
    def page(request: BaseHTTPRequestHandler) -> None:
        number = len(api.asked)
        gives({"items": products(number, 1), "next": f"/products?page={number}"})(request)

    api.at("/products", page)
    with pytest.raises(CatalogueError, match="its pages do not end: 50 so far"):
        fetch()


def test_a_next_page_on_another_host_is_refused_and_the_token_not_sent(
    warehouse: Warehouse, api: Api, other: Api, fetch: Fetch
) -> None:
    other.at("/products", gives(products(1, 1)))
    for url in (other.url, other.url.replace("http:", ""), "file:///etc/passwd", "http://[/"):
        api.at("/products", gives({"items": products(0, 1), "next": url}))
        with pytest.raises(CatalogueError, match=r"next page is on another host|`next` is no URL"):
            fetch()
    assert other.asked == []


def test_no_secret_is_in_a_message(
    api: Api, fetch: Fetch, client: ProductsApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="glue")
    urls = [
        api.url.replace("//", "//user:s3cret@") + "?key=s3cret&page=1",
        "http://user:s3cret@127.0.0.1:1/?key=s3cret",
        "ftp://user:s3cret@x/?key=s3cret",
        "http://user:s3cret@/?key=s3cret",
        "http://s3cret.invalid:99999999/?key=s3cret",
    ]
    for url in urls:
        with pytest.raises(CatalogueError) as caught:
            fetch(client=replace(client, url=url))
        assert "s3cret" not in str(caught.value).replace("s3cret.invalid", "")
    assert "s3cret" not in repr(client)
    assert "s3cret" not in caplog.text

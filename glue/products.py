"""Fetches the catalogue from the products API: whole, or not at all."""

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit, urlunsplit

import requests
import requests.auth
import requests.utils
import urllib3

from glue.errors import GlueError, MissingSetting, Refused
from glue.landing import API_CATALOGUE, Content
from glue.records import KEPT_BYTES, Source, json_fault, json_members, json_records

LIST_KEYS = (b"products", b"items", b"data", b"results")
CHUNK_BYTES = 64 << 10
MOST_REDIRECTS = 5
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*+)"[ \t\n\r]*+:[ \t\n\r]*+', re.DOTALL)


class CatalogueError(GlueError):
    """The catalogue cannot be had whole, and nothing of it is kept. Names URL and status."""


class _Section:
    """A part of a file, as a stream."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self._file, self._left = file, end - start
        file.seek(start)

    def read(self, size: int) -> bytes:
        block = self._file.read(min(size, self._left))
        self._left -= len(block)
        return block


class _Answer(NamedTuple):
    """An answer of the API: its body, the URL that it came from in the end, and its Link to the next page."""

    body: IO[bytes]
    url: str
    link: str | None


class _Origin(NamedTuple):
    """Where a request goes: what a token is for."""

    scheme: str
    host: str
    port: int


class _Session(requests.Session):
    """A session that follows no redirect of its own, nor reads its body: _Fetch.ask does, after a look at where to."""

    def get_redirect_target(self, response: requests.Response) -> None:
        return None

    def target(self, response: requests.Response) -> str | None:
        """Return where a redirect leads."""
        return super().get_redirect_target(response)


@dataclass(frozen=True)
class _Bearer(requests.auth.AuthBase):
    """Signs a request with a token. That there is one keeps requests from looking into ~/.netrc."""

    token: str = field(repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class _Page(NamedTuple):
    """Where the list of an answer lies in its body, and what is said beside it (next, total, skip, limit)."""

    start: int
    end: int
    said: dict[str, Any]


@dataclass(frozen=True)
class Catalogue:
    """A fetched catalogue: one JSON array, its elements as the API sent them."""

    file: IO[bytes]
    products: int
    pages: int
    name: str = API_CATALOGUE

    @contextmanager
    def open(self, *, compressed: bool = False) -> Iterator[Content]:
        """Open it from the start; it is never compressed."""
        self.file.seek(0)
        yield Content(self.file)


@dataclass(frozen=True)
class ProductsApi:
    """The products API, and how patient we are with it."""

    url: str
    token: str | None = field(default=None, repr=False)
    connect_seconds: float = 10
    read_seconds: float = 30
    whole_seconds: float = 900
    attempts: int = 5
    first_wait_seconds: float = 1
    longest_wait_seconds: float = 60
    most_pages: int = 10_000
    most_bytes: int = 4 << 30

    @classmethod
    def from_environment(cls) -> "ProductsApi":
        """Return the API of PRODUCTS_API_URL, with PRODUCTS_API_TOKEN. Raises MissingSetting without a URL."""
        url = os.environ.get("PRODUCTS_API_URL")
        if not url:
            raise MissingSetting("PRODUCTS_API_URL is not set: there is nobody to ask for a catalogue")
        return cls(url, os.environ.get("PRODUCTS_API_TOKEN") or None)

    @contextmanager
    def catalogue(self) -> Iterator[Catalogue]:
        """Fetch the catalogue; it is kept in a temporary file meanwhile. Raises CatalogueError."""
        with tempfile.TemporaryFile() as file:
            yield _Fetch(self, file).run()


class _Fetch:
    """One fetch of a catalogue, page by page, into a file."""

    def __init__(self, api: ProductsApi, file: IO[bytes]) -> None:
        self.api = api
        self.file = file
        self.deadline = time.monotonic() + api.whole_seconds
        self.bytes = self.products = self.pages = 0
        self.home: _Origin | None = None

    def run(self) -> Catalogue:
        parts = urlsplit(self.api.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CatalogueError(f"products API: {shown(self.api.url)} is no URL of http or https")
        if self.api.token and not re.fullmatch("[!-~]+", self.api.token):
            raise CatalogueError(
                "PRODUCTS_API_TOKEN is no token: it has a blank, a line end, or a letter no header has"
            )
        with _Session() as session:
            # A proxy for http reads what passes through it; for https it only carries it.
            self.home = _origin(session, self.api.url)
            if self.api.token and self.home and self.home.scheme == "http" and _has_proxy(session, self.api.url):
                raise CatalogueError(
                    f"products API: {shown(self.api.url)}: PRODUCTS_API_TOKEN would pass a proxy that can read it: "
                    "use https, or name the host in NO_PROXY"
                )
            url: str | None = self.api.url
            seen_urls, seen_pages = set(), set()
            skip: int | None = None  # where the page asked for begins, if pages are counted that way
            while url:
                if url in seen_urls or self.pages == self.api.most_pages:
                    raise self.error(url, f"its pages do not end: {self.pages} so far")
                seen_urls.add(url)
                with tempfile.TemporaryFile() as body:
                    answer = self.get(session, url, body)
                    try:
                        page = _page(body)
                        count, digest = self.keep(page, body)
                    except Refused as refused:
                        raise self.error(url, f"status 200, but {refused}") from None
                if count and digest in seen_pages:
                    raise self.error(url, "status 200, but the same page as before")
                seen_pages.add(digest)
                url, skip = self.next(session, answer, page.said, count, skip)
        self.file.write(b"]" if self.products else b"[]")
        return Catalogue(self.file, self.products, self.pages)

    def keep(self, page: _Page, body: IO[bytes]) -> tuple[int, bytes]:
        """Add the products of a page to the file. Return their number and hash. Raises Refused."""
        digest = hashlib.sha256()
        before = self.products
        _, batches = json_records(Source(_Section(body, page.start, page.end)))
        for records, rejected in batches:
            for one in rejected:
                raise Refused(f"product {one.number} is {one.reason}")
            for number, _, product in records:
                if fault := json_fault(product):
                    raise Refused(f"product {number} is {fault}")
                self.file.write(b",\n" if self.products else b"[")
                self.file.write(product)
                digest.update(product)
                self.products += 1
        self.pages += 1
        return self.products - before, digest.digest()

    def next(
        self, session: _Session, answer: _Answer, said: dict[str, Any], count: int, skip: int | None
    ) -> tuple[str | None, int | None]:
        """Return the URL of the next page and its `skip`, or None after the last one."""
        total, limit, here = (_whole(said.get(name)) for name in ("total", "limit", "skip"))
        if skip is not None and here not in (None, skip):
            raise self.error(answer.url, f"status 200, but asked to skip {skip} it skipped {here}")
        link = said.get("next", answer.link)
        if link:
            if not isinstance(link, str):
                raise self.error(answer.url, "status 200, but `next` is no URL")
            return self.at_home(session, answer.url, link, "status 200, but its next page", "`next`"), None
        begin = here if here is not None else skip or 0
        if total is None or begin + count >= total:
            return None, None
        if "next" in said or not count:
            raise self.error(answer.url, f"status 200, but its pages end at {begin + count} of {total} products")
        query = {"skip": begin + count} | ({"limit": limit} if limit else {})
        return _with_query(answer.url, query), begin + count

    def get(self, session: _Session, url: str, body: IO[bytes]) -> _Answer:
        """Return what the API answers to a GET, tried again while that may help. Raises CatalogueError."""
        for attempt in range(1, self.api.attempts + 1):
            wait = min(self.api.first_wait_seconds * 2 ** (attempt - 1), self.api.longest_wait_seconds)
            try:
                with self.ask(session, url) as response:
                    if response.status_code == 200:
                        self.read(response, url, body)
                        return _Answer(body, response.url or url, response.links.get("next", {}).get("url"))
                    what = f"status {response.status_code}"
                    if response.status_code in (401, 403):
                        raise self.error(url, f"{what}: is PRODUCTS_API_TOKEN right?")
                    if response.status_code != 429 and response.status_code < 500:
                        raise self.error(url, what)
                    if asked := _retry_after(response.headers.get("Retry-After")):
                        wait = min(asked, self.api.longest_wait_seconds)
            except requests.TooManyRedirects:
                raise self.error(url, "too many redirects") from None
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                what = f"no whole answer: {_cause(error)}"
            if attempt == self.api.attempts or time.monotonic() + wait > self.deadline:
                raise self.error(url, f"{what}, {attempt} times") from None
            time.sleep(wait)
        raise AssertionError("unreachable: attempts is at least 1")

    def ask(self, session: _Session, url: str) -> requests.Response:
        """Return the answer to a GET, after redirects. Whoever it would ask elsewhere is not asked.

        The token, or the login in the configured URL, goes with every request, because none leaves its origin.
        Raises CatalogueError, requests.RequestException.
        """
        for _ in range(1 + MOST_REDIRECTS):
            request = session.prepare_request(
                requests.Request("GET", url, headers={"Accept": "application/json"}, auth=self.authorize())
            )
            assert request.url is not None
            if _parsed(request.url) != self.home:  # every way here was checked; this is what is connected to
                raise self.error(url, "this is not the origin of PRODUCTS_API_URL")
            settings = session.merge_environment_settings(request.url, {}, True, None, None)
            timeout = (self.api.connect_seconds, self.api.read_seconds)
            response = session.send(request, timeout=timeout, allow_redirects=False, **settings)
            target = response.is_redirect and session.target(response)
            if not target:
                return response
            response.close()  # its body is nobody's business, and may have no end
            if time.monotonic() > self.deadline:
                raise self.error(url, f"not whole after {self.api.whole_seconds} s")
            url = self.at_home(session, url, target, f"status {response.status_code}, but where it leads", "`Location`")
        raise requests.TooManyRedirects

    def authorize(self) -> Any:
        """Return what signs a request: the token, the configured URL's login, or what ~/.netrc has for its host."""
        if self.api.token:
            return _Bearer(self.api.token)
        parts = urlsplit(self.api.url)
        if parts.username or parts.password:
            return unquote(parts.username or ""), unquote(parts.password or "")
        return None

    def at_home(self, session: _Session, base: str, link: str, what: str, name: str) -> str:
        """Return the URL of a link, without a login. Raises CatalogueError when it leads to another origin."""
        try:
            url = urljoin(base, link)
            parts = urlsplit(url)
            url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
            origin = _origin(session, url) if parts.scheme in ("http", "https") else None
        except ValueError:
            raise self.error(base, f"{what.partition(',')[0]}, but {name} is no URL") from None
        if origin != self.home or origin is None:
            raise self.error(base, f"{what} is on another host or port than PRODUCTS_API_URL: {shown(url)}")
        return url

    def read(self, response: requests.Response, url: str, body: IO[bytes]) -> None:
        """Read a body into a file, within what is left of time and bytes."""
        body.seek(0)
        body.truncate()
        # read1 returns what has come: a server that drips cannot make it wait past the deadline.
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            body.write(chunk)
            self.bytes += len(chunk)
            if self.bytes > self.api.most_bytes:
                raise self.error(url, f"status 200, but more than {self.api.most_bytes} bytes")
            if time.monotonic() > self.deadline:
                raise self.error(url, f"status 200, but not whole after {self.api.whole_seconds} s")

    def error(self, url: str, what: str) -> CatalogueError:
        return CatalogueError(f"products API: {shown(url)}: {what}. Nothing of the catalogue is kept")


def _origin(session: requests.Session, url: str) -> _Origin | None:
    """Return the origin that a URL is asked at; None if it cannot be asked.

    A URL is read in different ways by different parsers (`http://a\\@b/`): what counts is the URL that is sent.
    """
    try:
        return _parsed(session.prepare_request(requests.Request("GET", url)).url or "")
    except (requests.RequestException, ValueError):
        return None


def _parsed(url: str) -> _Origin | None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return _Origin(parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))


def _has_proxy(session: requests.Session, url: str) -> bool:
    """Return whether the environment has a proxy for a URL."""
    proxies = session.merge_environment_settings(url, {}, True, None, None)["proxies"]
    return requests.utils.select_proxy(url, proxies) is not None


def shown(url: str) -> str:
    """Return a URL as it may be printed: without user and password, of the query's values only numbers."""
    parts = urlsplit(url)
    query = [(name, value if re.fullmatch("[0-9]{1,9}", value) else "…") for name, value in parse_qsl(parts.query)]
    host = parts.netloc.rpartition("@")[2]
    text = urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="…"), ""))
    return text if text.isprintable() else ascii(text)


def _page(body: IO[bytes]) -> _Page:
    """Return where the list of products lies in a body. Raises Refused."""
    size = body.seek(0, os.SEEK_END)
    source = Source(_Section(body, 0, size))
    head = source.ahead.lstrip(b" \t\r\n")
    if head.startswith(b"["):
        return _Page(source.offset, size, {})
    if not head.startswith(b"{"):
        raise Refused("neither a JSON array nor an object")
    source.read()
    source.unread(head)
    lists: dict[bytes, tuple[int, int]] = {}
    small = []
    for records, long in json_members(source):
        members = [(offset, len(data), data) for _, offset, data in records]
        for offset, length, data in members + [(one.offset, one.byte_count, one.head) for one in long]:
            key = _KEY.match(data)
            if key and key[1] in LIST_KEYS and data.startswith(b"[", key.end()):
                lists[key[1]] = (offset + key.end(), offset + length)
            elif length <= KEPT_BYTES:
                small.append(data)
    try:
        said = json.loads(b"{" + b",".join(small) + b"}")
    except ValueError as error:
        raise Refused(f"not JSON: {error}") from None
    for key in LIST_KEYS:
        if key in lists:
            return _Page(*lists[key], said)
    raise Refused("no list under products, items, data or results")


def _whole(value: object) -> int | None:
    """Return a whole number that is not negative, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _with_query(url: str, changes: dict[str, int]) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | changes
    return urlunsplit(parts._replace(query=urlencode(query)))


def _retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for (a number, or a date), None if it asks for nothing."""
    if not header:
        return None
    if re.fullmatch("[0-9]{1,9}", header.strip()):
        return float(header)
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _cause(error: BaseException) -> str:
    """Return what a connection failed of, in the system's words: those of the library show the whole URL."""
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "it took too long"
    seen: BaseException | None = error
    while seen:
        if isinstance(seen, urllib3.exceptions.IncompleteRead):
            return "the answer was cut short"
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        seen = seen.__cause__ or seen.__context__
    return type(error).__name__

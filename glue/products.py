"""Fetches the catalogue from the products API: whole, or not at all."""

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import requests
import urllib3

from glue.errors import GlueError, MissingSetting, Refused
from glue.http import Bearer, Origin, Session, cause, has_proxy, origin_of, origin_sent, retry_after, shown_url
from glue.json_records import json_records
from glue.json_values import json_fault
from glue.landing import API_CATALOGUE, Content
from glue.pages import Pages, Taken
from glue.paging import Page, Section, id_of, page_of
from glue.records import Source

CHUNK_BYTES = 64 << 10
MOST_REDIRECTS = 5


class CatalogueError(GlueError):
    """The catalogue cannot be had whole, and nothing of it is kept. Names URL and status."""


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
        self.home: Origin | None = None

    def run(self) -> Catalogue:
        parts = urlsplit(self.api.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CatalogueError(f"products API: {shown_url(self.api.url)} is no URL of http or https")
        if self.api.token and not re.fullmatch("[!-~]+", self.api.token):
            raise CatalogueError(
                "PRODUCTS_API_TOKEN is no token: it has a blank, a line end, or a letter no header has"
            )
        with Session() as session:
            # A proxy for http reads what passes through it; for https it only carries it.
            self.home = origin_of(session, self.api.url)
            if self.api.token and self.home and self.home.scheme == "http" and has_proxy(session, self.api.url):
                raise CatalogueError(
                    f"products API: {shown_url(self.api.url)}: PRODUCTS_API_TOKEN would pass a proxy that can read it: "
                    "use https, or name the host in NO_PROXY"
                )
            url: str | None = self.api.url
            seen_urls, seen_pages = set(), set()
            pages = Pages()
            while url:
                if url in seen_urls or self.pages == self.api.most_pages:
                    raise self.error(url, f"its pages do not end: {self.pages} so far")
                seen_urls.add(url)
                with tempfile.TemporaryFile() as body:
                    here, answer = self.get(session, url, body)
                    try:
                        page = page_of(body)
                        taken, digest = self.keep(page, body)
                        if taken.count and digest in seen_pages:
                            raise Refused("the same page as before")
                        seen_pages.add(digest)
                        link = answer.links.get("next", {}).get("url")
                        following = pages.after(here, page.said, answer.headers, link, taken)
                    except Refused as refused:
                        raise self.error(url, f"status 200, but {refused}") from None
                url = following and self.at_home(session, here, following, "status 200, but its next page", "`next`")
        self.file.write(b"]" if self.products else b"[]")
        return Catalogue(self.file, self.products, self.pages)

    def keep(self, page: Page, body: IO[bytes]) -> tuple[Taken, bytes]:
        """Add the products of a page to the file. Return their number, and their hash. Raises Refused."""
        digest = hashlib.sha256()
        before, product = self.products, b""
        _, batches = json_records(Source(Section(body, page.start, page.end)))
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
        return Taken(self.products - before, id_of(product)), digest.digest()

    def get(self, session: Session, url: str, body: IO[bytes]) -> tuple[str, requests.Response]:
        """Write what the API answers to a GET into `body`, tried again while that may help. Raises CatalogueError.

        Returns the URL that it came from in the end, and the answer, for its headers.
        """
        for attempt in range(1, self.api.attempts + 1):
            wait = min(self.api.first_wait_seconds * 2 ** (attempt - 1), self.api.longest_wait_seconds)
            try:
                with self.ask(session, url) as response:
                    if response.status_code == 200:
                        self.read(response, url, body)
                        return response.url or url, response
                    what = f"status {response.status_code}"
                    if response.status_code in (401, 403):
                        raise self.error(url, f"{what}: is PRODUCTS_API_TOKEN right?")
                    if response.status_code != 429 and response.status_code < 500:
                        raise self.error(url, what)
                    if asked := retry_after(response.headers.get("Retry-After")):
                        wait = min(asked, self.api.longest_wait_seconds)
            except requests.TooManyRedirects:
                raise self.error(url, "too many redirects") from None
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                what = f"no whole answer: {cause(error)}"
            if attempt == self.api.attempts or time.monotonic() + wait > self.deadline:
                raise self.error(url, f"{what}, {attempt} times") from None
            time.sleep(wait)
        raise AssertionError("unreachable: attempts is at least 1")

    def ask(self, session: Session, url: str) -> requests.Response:
        """Return the answer to a GET, after redirects. Whoever it would ask elsewhere is not asked.

        The token, or the login in the configured URL, goes with every request, because none leaves its origin.
        Raises CatalogueError, requests.RequestException.
        """
        for _ in range(1 + MOST_REDIRECTS):
            request = session.prepare_request(
                requests.Request("GET", url, headers={"Accept": "application/json"}, auth=self.authorize())
            )
            assert request.url is not None
            if origin_sent(request.url) != self.home:  # every way here was checked; this is what is connected to
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
            return Bearer(self.api.token)
        parts = urlsplit(self.api.url)
        if parts.username or parts.password:
            return unquote(parts.username or ""), unquote(parts.password or "")
        return None

    def at_home(self, session: Session, base: str, link: str, what: str, name: str) -> str:
        """Return the URL of a link, without a login. Raises CatalogueError when it leads to another origin."""
        try:
            url = urljoin(base, link)
            parts = urlsplit(url)
            url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
            origin = origin_of(session, url) if parts.scheme in ("http", "https") else None
        except ValueError:
            raise self.error(base, f"{what.partition(',')[0]}, but {name} is no URL") from None
        if origin != self.home or origin is None:
            raise self.error(base, f"{what} is on another host or port than PRODUCTS_API_URL: {shown_url(url)}")
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
        return CatalogueError(f"products API: {shown_url(url)}: {what}. Nothing of the catalogue is kept")

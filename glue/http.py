"""HTTP as a client needs it that has a token: one origin that is kept to, and errors that show no secret."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests
import requests.auth
import requests.utils
import urllib3


class Origin(NamedTuple):
    """Where a request goes: what a token is for."""

    scheme: str
    host: str
    port: int


class Session(requests.Session):
    """A session that follows no redirect of its own, nor reads its body: _Fetch.ask does, after a look at where to."""

    def get_redirect_target(self, response: requests.Response) -> None:
        return None

    def target(self, response: requests.Response) -> str | None:
        """Return where a redirect leads."""
        return super().get_redirect_target(response)


@dataclass(frozen=True)
class Bearer(requests.auth.AuthBase):
    """Signs a request with a token. That there is one keeps requests from looking into ~/.netrc."""

    token: str = field(repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def origin_of(session: requests.Session, url: str) -> Origin | None:
    """Return the origin that a URL is asked at; None if it cannot be asked.

    A URL is read in different ways by different parsers (`http://a\\@b/`): what counts is the URL that is sent.
    """
    try:
        return origin_sent(session.prepare_request(requests.Request("GET", url)).url or "")
    except (requests.RequestException, ValueError):
        return None


def origin_sent(url: str) -> Origin | None:
    """Return the origin of a URL as it is sent; None if it has none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return Origin(parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))


def has_proxy(session: requests.Session, url: str) -> bool:
    """Return whether the environment has a proxy for a URL."""
    proxies = session.merge_environment_settings(url, {}, True, None, None)["proxies"]
    return requests.utils.select_proxy(url, proxies) is not None


def shown_url(url: str) -> str:
    """Return a URL as it may be printed: without user and password, of the query's values only numbers."""
    parts = urlsplit(url)
    query = [(name, value if re.fullmatch("[0-9]{1,9}", value) else "…") for name, value in parse_qsl(parts.query)]
    host = parts.netloc.rpartition("@")[2]
    text = urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="…"), ""))
    return text if text.isprintable() else ascii(text)


def retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for (a number, or a date), None if it asks for nothing."""
    try:
        return urllib3.Retry().parse_retry_after(header) if header else None
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None


def cause(error: BaseException) -> str:
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

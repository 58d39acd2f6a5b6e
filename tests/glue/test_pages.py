"""The products API pages in every way that there is: the catalogue comes whole, or it is an error, never in part."""

import importlib.util
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from glue.products import CatalogueError, ProductsApi
from tests.api import Api, gives, serve
from tests.real_world import REAL_WORLD

SHARED_API = REAL_WORLD / "products_api.py"
ALL = [{"product_id": f"P-{number}", "id": f"gid-{number}"} for number in range(6)]
SIZE = 2

# HTTP only: no database is asked.
pytestmark = pytest.mark.once

Query = dict[str, str]
Reply = tuple[Any, dict[str, str]]
Answering = Callable[[Query], Reply]


def fetched(url: str) -> list[Any]:
    """Return the catalogue of an API. Raises CatalogueError."""
    with ProductsApi(url, attempts=1).catalogue() as catalogue, catalogue.open() as content:
        found = json.loads(content.read(1 << 20))
        assert len(found) == catalogue.products
        return list(found)


@pytest.fixture
def api() -> Iterator[Api]:
    """An API without any answer yet."""
    yield from serve()


def answering(api: Api, answer: Answering) -> str:
    """Let an API answer each request with the body and headers for its query; return its URL."""

    def reply(request: BaseHTTPRequestHandler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        body, headers = answer(query)
        gives(body, **headers)(request)

    api.at("/products", reply)
    return api.url


# -- the ways beside the project -------------------------------------------------------------------------


@pytest.fixture
def shared_api() -> Iterator[str]:
    """The API of ../shared/real_world; its URL without a path."""
    if not SHARED_API.exists():
        pytest.skip("../shared/real_world, what shops really send, is not beside the project")
    spec = importlib.util.spec_from_file_location("shared_products_api", SHARED_API)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with ThreadingHTTPServer(("127.0.0.1", 0), module.Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("way", ["laravel", "magento", "stripe", "pages", "woo", "woo_nolink", "string_total"])
def test_each_shared_way_of_paging_is_fetched_whole(shared_api: str, way: str) -> None:
    assert [one["product_id"] for one in fetched(f"{shared_api}/{way}")] == [f"P{number}" for number in range(1, 7)]


def test_an_error_with_status_200_is_an_error(shared_api: str) -> None:
    with pytest.raises(CatalogueError, match=r"status 200, but an error: .*Too many requests"):
        fetched(f"{shared_api}/err200")


# -- our own -------------------------------------------------------------------------------------------


def by_page(make: Callable[[int, list[Any], str | None], Any], first: int = 1) -> Answering:
    """Answer with what is made of the page's number, its products, and the link to the next one."""

    def answer(query: Query) -> Reply:
        number = int(query.get("page", first))
        begin = (number - first) * SIZE
        following = None if begin + SIZE >= len(ALL) else f"?page={number + 1}"
        return make(number, ALL[begin : begin + SIZE], following), {}

    return answer


def by_place(name: str, make: Callable[[int, list[Any], bool], Any]) -> Answering:
    """Answer with what is made of where the page begins, its products, and whether it is the last."""

    def answer(query: Query) -> Reply:
        begin = int(query.get(name, "0").strip("x"))
        return make(begin, ALL[begin : begin + SIZE], begin + SIZE >= len(ALL)), {}

    return answer


def by_header(make: Callable[[int, str | None], dict[str, str]]) -> Answering:
    """Answer with an array, and what headers are made of the page's number and the link to the next one."""

    def answer(query: Query) -> Reply:
        (number, found, link), _ = by_page(lambda *page: page)(query)
        return found, make(number, link)

    return answer


def by_token(name: str, parameter: str, inside: str | None = None, prefix: str = "") -> Answering:
    """Answer with a token for the next page, in an object `inside` if given."""

    def made(begin: int, found: list[Any], is_last: bool) -> Any:
        said = {} if is_last else {name: f"{prefix}{begin + SIZE}"}
        return {"items": found} | ({inside: said} if inside and said else said)

    return by_place(parameter, made)


def spring(number: int, found: list[Any], link: str | None) -> Any:
    return {"content": found, "number": number, "totalPages": 3, "totalElements": 6, "size": SIZE, "last": not link}


def big_commerce(number: int, found: list[Any], link: str | None) -> Any:
    links = {"current": f"?page={number}"} | ({"next": link} if link else {})
    said = {"total": 6, "count": len(found), "per_page": SIZE, "current_page": number, "total_pages": 3}
    return {"data": found, "meta": {"pagination": said | {"links": links}}}


def hal(number: int, found: list[Any], link: str | None) -> Any:
    links = {"self": {"href": "x"}} | ({"next": {"href": link}} if link else {})
    page = {"size": SIZE, "totalElements": 6, "totalPages": 3, "number": number - 1}
    return {"_embedded": {"products": found}, "_links": links, "page": page}


def relay(begin: int, found: list[Any], is_last: bool) -> Any:
    page = {"hasNextPage": not is_last, "endCursor": f"{begin + SIZE}"}
    return {"data": {"products": {"nodes": found, "pageInfo": page}}}


WHOLE: dict[str, Answering] = {
    "BigCommerce": by_page(big_commerce),
    "HAL": by_page(hal),
    "a page from 0": by_page(spring, first=0),
    "page and pages, as texts": by_page(lambda n, found, link: {"products": found, "page": f"{n}", "totalPages": "3"}),
    "a page without a total": by_page(lambda n, found, link: {"products": found, "page": n, "per_page": SIZE}),
    "a shop's own numbers": by_page(
        lambda n, found, link: {"store": {"number": 7, "page": 9, "total": 1}, "items": found, "page": n, "pages": 3}
    ),
    "next_page": by_page(lambda n, found, link: {"items": found, "next_page": n + 1 if link else None}),
    "nextPage": by_page(lambda n, found, link: {"items": found, "meta": {"nextPage": link or ""}}),
    "has_more": by_page(lambda n, found, link: {"items": found, "page": n, "has_more": bool(link)}),
    "is_last": by_page(lambda n, found, link: {"items": found, "pagination": {"page": n, "isLast": not link}}),
    "JSON:API": by_page(lambda n, found, link: {"data": found, "links": {"self": "x", "next": link}}),
    "JSON:API, an object": by_page(lambda n, found, link: {"data": found, "links": {"next": link and {"href": link}}}),
    "links with rel": by_page(
        lambda n, found, link: {"items": found, "links": [{"rel": "next", "href": link}] if link else [{"rel": "self"}]}
    ),
    "OData": by_page(lambda n, found, link: {"value": found} | ({"@odata.nextLink": link} if link else {})),
    "count and next": by_page(lambda n, found, link: {"count": 6, "next": link, "results": found}),
    "offset and limit": by_place(
        "offset", lambda n, found, last: {"items": found, "offset": n, "limit": SIZE, "total": 6}
    ),
    "nextPageStart": by_place(
        "start", lambda n, found, last: {"values": found, "start": n, "size": 2, "isLastPage": last, "nextStart": n + 2}
    ),
    "has_more and skip": by_place("skip", lambda n, found, last: {"items": found, "skip": n, "hasMore": not last}),
    "a total alone": by_place("skip", lambda n, found, last: {"items": found, "total_count": "6"}),
    "pageInfo": by_place("after", relay),
    "nextPageToken": by_token("nextPageToken", "pageToken"),
    "next_page_token": by_token("next_page_token", "page_token", "meta"),
    "next_cursor": by_token("next_cursor", "cursor", "response_metadata"),
    "cursor": by_token("cursor", "cursor"),
    "next.after": by_token("after", "after", "next"),
    "continuationToken": by_token("continuationToken", "continuationToken"),
    "an offset that is no number": by_token("offset", "offset", prefix="x"),
    "X-Next-Page": by_header(lambda n, link: {"X-Next-Page": f"{n + 1}" if link else "", "X-Page": f"{n}"}),
    "X-Pagination": by_header(lambda n, link: {"X-Pagination": f'{{"TotalPages": 3, "CurrentPage": {n}}}'}),
    "X-Total-Pages": by_header(lambda n, link: {"X-Total-Pages": "3"}),
    "Link": by_header(lambda n, link: {"Link": f'<{link}>; rel="next"'} if link else {}),
    "Content-Range": lambda query: (
        by_place("skip", lambda n, found, last: found)(query)[0],
        {"Content-Range": "products 0-1/6"},
    ),
}


@pytest.mark.parametrize("way", WHOLE)
def test_each_way_of_paging_is_fetched_whole(api: Api, way: str) -> None:
    assert fetched(answering(api, WHOLE[way])) == ALL


def test_a_full_page_of_the_size_asked_for_is_not_taken_for_the_last(api: Api) -> None:
    url = answering(api, by_page(lambda n, found, link: found))
    assert fetched(f"{url}?per_page={SIZE}") == ALL


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"nextChunk": "abc"}, "`nextChunk` says that there is more, in a way that is not known"),
        ({"next": {"id": 7}}, "`next` says that there is more, in a way that is not known"),
        ({"next": 7}, "`next` is no URL"),
        ({"has_more": True}, "it says that there is more, and not where"),
        ({"total": 6}, "the same page as before"),
        ({"meta": {"total": "6", "skip": "0", "limit": "2"}}, "the same page as before"),
        ({"page": 1, "pages": 3}, "the same page as before"),
        ({"incomplete_results": True}, "`incomplete_results` says that it is not whole"),
        ({"count": 6, "next": None}, "its pages end at 2 of 6 products"),
        ({"has_more": False, "total": 6}, "its pages end at 2 of 6 products"),
        ({"error": "quota"}, "an error: quota"),
        ({"errors": [{"message": "x"}]}, "an error: "),
        ({"success": False, "message": "no"}, "an error: no"),
        ({"status": "error"}, "an error: "),
        ({"status": 500}, "an error: "),
        (
            {"result": {"records": ALL[:2], "length": 6}, "items": None},
            "the same page as before|its pages end at 2 of 6",
        ),
        ({"total": {"value": 6, "relation": "eq"}}, "the same page as before"),
        ({"total": " 6 "}, "the same page as before"),
        ({"total": "1,234"}, "the same page as before"),
        ({"total": 6.0}, "the same page as before"),
        ({"from": 1, "to": 2, "of": 6}, "the same page as before"),
        ({"page": "1 of 3"}, "the same page as before"),
        ({"pages": [1, 2, 3]}, "the same page as before"),
        ({"pagination": {"pages": {"total": 3, "current": 1}}}, "the same page as before"),
        ({"pagination": {"more_items_in_collection": True}}, "it says that there is more, and not where"),
        ({"remaining": 4}, "it says that there is more, and not where"),
        ({"hasNext": "yes"}, "it says that there is more, and not where"),
        ({"isComplete": False}, "it says that there is more, and not where"),
        ({"LastEvaluatedKey": {"id": 1}}, "`LastEvaluatedKey` says that there is more, in a way that is not known"),
        ({"continue": {"offset": 2}}, "`continue` says that there is more, in a way that is not known"),
        ({"resumptionToken": "x"}, "`resumptionToken` says that there is more, in a way that is not known"),
        ({"limitReached": True}, "`limitReached` says that it is not whole"),
        ({"status": "partial"}, "`status` says that it is not whole"),
        ({"Errors": ["x"]}, "an error: "),
        ({"error_code": 17}, "an error: 17"),
        ({"success": "false", "message": "no"}, "an error: no"),
        ({"result": "error"}, "an error: "),
        ({"meta": {"status": 500}}, "an error: "),
        ({"status_code": 503}, "an error: "),
    ],
)
def test_what_says_that_there_is_more_and_cannot_be_followed_is_an_error(api: Api, said: Any, reason: str) -> None:
    with pytest.raises(CatalogueError, match=reason):
        fetched(answering(api, lambda query: ({"items": ALL[:2]} | said, {})))


@pytest.mark.parametrize(
    "said",
    [
        {"status": "ok", "code": 200, "errors": [], "error": None},
        {"success": True, "next": None, "total": 2},
        {"page": 1, "pages": 1, "per_page": 50},
        {"links": {"next": None, "last": "?page=1"}, "meta": {"last_page": 1}},
        {"pageInfo": {"hasNextPage": False, "endCursor": "x"}},
        {"has_more": False, "next_cursor": "x"},
        {"error": "none", "errno": 0, "state": "done", "remaining": 0, "complete": True, "of": 2, "page": "1/1"},
        {"total": {"value": 2}, "pages": [1], "meta": {"status": "ok", "error_code": "0"}},
    ],
)
def test_one_page_that_says_that_it_is_all_is_all(api: Api, said: Any) -> None:
    assert fetched(answering(api, lambda query: ({"items": ALL[:2]} | said, {}))) == ALL[:2]
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("X-MS-Continuation", "x", "`X-MS-Continuation` says that there is more, in a way that is not known"),
        ("Next-Range", "id 3..", "`Next-Range` says that there is more, in a way that is not known"),
        ("Total", "6", "the same page as before"),
        ("Items-Range", "0-1/6", "the same page as before"),
        ("Pagination-Count", "6", "the same page as before|its pages end at 2 of 6"),
    ],
)
def test_a_header_that_says_so_is_an_error_too(api: Api, name: str, value: str, reason: str) -> None:
    with pytest.raises(CatalogueError, match=reason):
        fetched(answering(api, lambda query: (ALL[:2], {name: value})))

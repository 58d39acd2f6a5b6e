"""What an answer of an API says beside its list, in its body or its headers, whatever it is called there."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from glue.errors import Refused

# Names as `plain` writes them. They are looked for in every object beside the list, and in headers.
NEXT_URLS = {"next", "nextlink", "nexturl", "nexthref", "nexturi", "nextpage", "nextpageurl", "nextpagelink"}
NEXT_URLS |= {"nextpageuri", "odatanextlink", "nextrecordsurl", "nextresults"}
MORE = {"hasmore", "hasnext", "hasnextpage", "hasmorepages", "hasmoreitems", "hasmoreresults", "hasmorerecords"}
MORE |= {"more", "moreresults", "moreavailable", "ismore", "nextpageexists", "hasmoredata"}
MORE_SIGN = re.compile("(?:has|is|are|thereis|thereare)?more[a-z]*|(?:has|is)next[a-z]*")
LEFT = ("remaining", "remainingcount", "remainingitems", "remainingresults", "itemsremaining", "itemsleft")
LAST = {"islast", "islastpage", "last", "lastpage", "islastbatch", "endofresults", "done", "finished", "isfinished"}
LAST |= {
    "eof",
    "iseof",
    "end",
    "isend",
    "endofdata",
    "endoflist",
    "complete",
    "iscomplete",
    "final",
    "isfinal",
    "nomore",
}
INCOMPLETE = {"incompleteresults", "partial", "ispartial", "timedout", "truncated", "istruncated", "limitreached"}
INCOMPLETE |= {"maxreached", "limitexceeded", "islimited", "capped"}
STATES = {"status", "state", "result", "outcome"}
IN_PART = ("partial", "partially", "incomplete", "truncated")
# Of numbers the first name counts that is said.
PAGE_COUNTS = ("totalpages", "lastpage", "pagecount", "pages", "numpages", "numberofpages", "maxpage", "totalpage")
PAGE_COUNTS += ("totalpagecount", "pagestotal", "npages", "pagetotal", "nbpages")
CURRENT = ("currentpage", "page", "pagenumber", "pageno", "pagenum", "pageindex", "thispage", "number", "current")
TOTALS = (
    "total",
    "totalcount",
    "totalresults",
    "totalitems",
    "totalelements",
    "totalrecords",
    "totalrows",
    "odatacount",
)
TOTALS += ("totalproducts", "totalhits", "totalsize", "totalentries", "numfound", "recordstotal", "nbhits", "hitcount")
TOTALS += ("of", "outof")
COUNTS = ("count", "itemcount", "resultcount", "recordcount", "productcount", "length")  # of the page, or of all
SIZES = (
    "limit",
    "perpage",
    "pagesize",
    "pagelength",
    "itemsperpage",
    "resultsperpage",
    "pagelimit",
    "maxresults",
    "size",
)
SKIPS = ("skip", "offset", "skipped", "startindex", "startat", "start")
# The objects in which such numbers are looked for, beside the list's own.
HOLDERS = {"meta", "metadata", "pagination", "paging", "page", "pageinfo", "paginator", "pager", "info", "cursor"}
HOLDERS |= {"next", "cursors", "searchcriteria", "responsemetadata", "xpagination", "links", "embedded", "response"}
HOLDERS |= {
    "hits",
    "additionaldata",
    "payload",
    "data",
    "result",
    "results",
    "products",
    "items",
    "body",
    "content",
    "paginationinfo",
    "summary",
}
# What names the next page, and the parameter that asks for it: `*` is the same name, nothing the same without `next`.
TOKENS = {
    **{
        "nextcursor": "cursor",
        "nextpagecursor": "cursor",
        "cursor": "cursor",
        "endcursor": "after",
        "nextafter": "after",
    },
    **{"nextmarker": "marker", "nextoffset": "offset", "nextskip": "skip", "nextstart": "start", "nextindex": "index"},
    **{"bookmark": "bookmark", "nextbookmark": "bookmark", "nextcursormark": "cursorMark", "nexttoken": "*"},
    **{"continuationtoken": "", "nextcontinuationtoken": "", "nextpagetoken": ""},
}
PAGE_PARAMETERS = {"page", "p", "paged", "pagenumber", "pageno", "pagenum", "pageindex", "currentpage"}
NEXT_SIGN = re.compile(
    "next(?:page|batch|set|results|records|cursor|token|link|url|href|key|id|offset|chunk|scroll|range).*"
    "|continue|continuation.*|resumptiontoken|lastevaluatedkey|pagingstate"
)
HEADERS = NEXT_URLS | MORE | {*PAGE_COUNTS, *CURRENT, *TOTALS, *COUNTS, "perpage"} - {"of", "length"}
HEADER = re.compile(r"(?:x-(?:wp-|ms-|pagination-)?|pagination-)?([a-z-]+)", re.IGNORECASE)
RANGES = ("content-range", "items-range", "x-content-range")
RANGE = re.compile(r"(?:[a-z]+ )?[0-9]+-[0-9]+/([0-9]+)", re.IGNORECASE)
ONE_OF = re.compile(r"([0-9]{1,9}) ?(?:of|von|de|sur|/) ?([0-9]{1,9})", re.IGNORECASE)
THOUSANDS = re.compile(r"[0-9]{1,3}(?:[,.' ][0-9]{3})+")


class Sign(NamedTuple):
    """Something that an answer says beside its list: a name, plain and as it is written, and a value."""

    name: str
    path: str
    value: Any


def plain(name: str) -> str:
    """Return a name without all that is no letter, in lower case."""
    return re.sub("[^a-z]", "", name.lower())


def said_signs(said: Any, path: str = "") -> Iterator[Sign]:
    """Yield what is said, in objects within objects, too; of lists only links that say what they are."""
    if isinstance(said, dict):
        for name, value in said.items():
            here = f"{path}.{name}" if path else name
            yield Sign(plain(name), here, value)
            yield from _spelled_signs(plain(name), here, value)
            yield from said_signs(value, here)
    elif isinstance(said, list):
        for one in said:
            if isinstance(one, dict) and one.get("rel") == "next":
                yield Sign("next", f"{path}[rel=next]", one)


def _spelled_signs(name: str, path: str, value: Any) -> Iterator[Sign]:
    """Yield the numbers that are said in some other way: `1 of 3`, a list of pages, a total that is an object."""
    if name in (*CURRENT, "pages") and isinstance(value, str) and (found := ONE_OF.fullmatch(value.strip())):
        yield Sign("currentpage", path, int(found[1]))
        yield Sign("totalpages", path, int(found[2]))
    elif name == "pages" and isinstance(value, list) and value and all(whole(one) is not None for one in value):
        yield Sign("totalpages", path, len(value))
    elif name == "pages" and isinstance(value, dict):
        yield Sign("totalpages", path, value.get("total", value.get("count")))
    elif name in TOTALS and isinstance(value, dict):
        yield Sign(name, path, value.get("value", value.get("count")))


def header_signs(headers: Mapping[str, str]) -> Iterator[Sign]:
    """Yield what headers say of other pages: most begin with X-."""
    for name, value in headers.items():
        if name.lower() in RANGES:
            if found := RANGE.fullmatch(value.strip()):
                yield Sign("total", name, found[1])
        elif name.lower() == "x-pagination":
            with suppress(ValueError):
                yield from said_signs(json.loads(value), name)
        elif (found := HEADER.fullmatch(name)) and (
            (short := plain(found[1])) in HEADERS or NEXT_SIGN.fullmatch(short)
        ):
            yield Sign(short, name, value.strip())


def number_of(signs: list[Sign], names: tuple[str, ...]) -> int | None:
    """Return the number under the first of these names that has one."""
    for name in names:
        for sign in signs:
            holders = sign.path.split(".")[:-1]
            is_it = sign.name == name and all(plain(holder) in HOLDERS for holder in holders)
            if is_it and (found := whole(sign.value)) is not None:
                return found
    return None


def whole(value: object) -> int | None:
    """Return a whole number that is not negative, given as such or as text; else None."""
    if isinstance(value, str):
        value = value.strip()
        digits = re.sub("[^0-9]", "", value) if THOUSANDS.fullmatch(value) else value
        return int(digits) if re.fullmatch("[0-9]{1,15}", digits) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def truth(value: object) -> bool | None:
    """Return whether a flag is set; None if it is no flag."""
    if isinstance(value, bool):
        return value
    return {
        **{"true": True, "yes": True, "y": True, "1": True},
        **{"false": False, "no": False, "n": False, "0": False},
    }.get(str(value).strip().lower())


def says_more(signs: list[Sign]) -> bool | None:
    """Return whether there is more, if it is said outright."""
    named = [sign for sign in signs if sign.name in MORE or MORE_SIGN.fullmatch(sign.name)]
    flags = [flag for sign in named if (flag := truth(sign.value)) is not None]
    flags += [not sign.value for sign in signs if sign.name in LAST and isinstance(sign.value, bool)]
    flags += [left > 0] if (left := number_of(signs, LEFT)) is not None else []
    return any(flags) if flags else None


def link_of(sign: Sign) -> str | None:
    """Return the URL that a sign gives; None if it gives something else, which others look at. Raises Refused."""
    value = sign.value[0] if isinstance(sign.value, list) else sign.value
    if isinstance(value, dict):
        value = next((value[name] for name in ("href", "url", "link", "uri") if isinstance(value.get(name), str)), None)
        return value or None
    if isinstance(value, str) and (sign.name != "nextpage" or not value.isdigit()):
        return value
    if sign.name == "nextpage" and whole(value) is not None:
        return None
    raise Refused(f"`{sign.path}` is no URL")


def token_of(signs: list[Sign], more: bool | None) -> dict[str, Any] | None:
    """Return the parameter that asks for the next page, if a token or number is said for it."""
    for sign in signs:
        if not isinstance(sign.value, str | int) or isinstance(sign.value, bool) or sign.value in ("", 0):
            continue
        written = sign.path.rpartition(".")[2]
        # An offset that is a number says where this page begins.
        is_offset = sign.name == "offset" and isinstance(sign.value, str) and whole(sign.value) is None
        if is_offset or (sign.name == "after" and f".{sign.path}".endswith(".next.after")):
            return {sign.name: sign.value}
        if sign.name == "endcursor" and more is not True:
            continue
        parameter = TOKENS.get(sign.name)
        if parameter is None:
            continue
        if parameter == "*":
            return {written: sign.value}
        if not parameter:
            bare = re.sub("^[Nn]ext[_-]?", "", written)
            parameter = bare[:1].lower() + bare[1:]
        return {parameter: sign.value}
    return None

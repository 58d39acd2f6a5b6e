"""Where the next page of a catalogue is, however an API says it. Each sign of more is followed or refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from glue.errors import Refused
from glue.page_signs import (
    COUNTS,
    CURRENT,
    IN_PART,
    INCOMPLETE,
    NEXT_SIGN,
    NEXT_URLS,
    PAGE_COUNTS,
    PAGE_PARAMETERS,
    SIZES,
    SKIPS,
    STATES,
    TOTALS,
    Sign,
    header_signs,
    link_of,
    number_of,
    plain,
    said_signs,
    says_more,
    token_of,
    truth,
    whole,
)

NOTHING = (None, False, "", 0, [], {})


class Taken(NamedTuple):
    """What came of a page: the number of its products, and the id of the last one."""

    count: int
    last_id: str


@dataclass
class Pages:
    """What is known of a catalogue's pages; `after` is asked after each."""

    products: int = 0  # so far
    number: int | None = None  # of the page asked for, if pages are asked for by number
    skip: int | None = None  # where the page asked for begins, if pages are asked for in that way
    first: int = 1  # number of the first page
    asked: int = 0  # pages so far

    def after(
        self, url: str, said: dict[str, Any], headers: Mapping[str, str], link: str | None, page: Taken
    ) -> str | None:
        """Return the URL of the page after `url`, None after the last one. Raises Refused."""
        self.products += page.count
        self.asked += 1
        signs = [*said_signs(said), *header_signs(headers)]
        current, skipped = number_of(signs, CURRENT), number_of(signs, SKIPS)
        self._check(url, current, skipped)
        following = self._next(url, signs, link, page, current, skipped)
        if following is None:
            total = number_of(signs, (*TOTALS, *COUNTS))
            seen = max(self.products, (skipped or 0) + page.count)
            if total is not None and total > seen:
                raise Refused(f"its pages end at {seen} of {total} products")
        return following

    def _check(self, url: str, current: int | None, skipped: int | None) -> None:
        if self.asked == 1:
            self.number = current if current is not None else _page_asked(url)
            self.first = 0 if self.number == 0 else 1
        if self.asked > 1 and self.skip is not None and skipped not in (None, self.skip):
            raise Refused(f"asked to skip {self.skip} it skipped {skipped}")
        if self.asked > 1 and self.number is not None and current not in (None, self.number):
            raise Refused(f"asked for page {self.number} it gave page {current}")

    def _next(
        self, url: str, signs: list[Sign], link: str | None, page: Taken, current: int | None, skipped: int | None
    ) -> str | None:
        for sign in signs:
            is_in_part = sign.name in STATES and str(sign.value).lower() in IN_PART
            if is_in_part or (sign.name in INCOMPLETE and truth(sign.value)):
                raise Refused(f"`{sign.path}` says that it is not whole")
        if link:
            return self._to_url(link)
        more = says_more(signs)
        for sign in signs:
            if sign.name in NEXT_URLS and sign.value not in NOTHING:
                if (target := link_of(sign)) is not None:
                    return self._to_url(target)
                if (wanted := whole(sign.value)) is not None:
                    return self._to_page(url, signs, wanted - 1)
        if more is not False and (token := token_of(signs, more)):
            return self._to_url(_with(url, token))
        if unread := next((one for one in signs if one.name in NEXT_URLS and one.value not in NOTHING), None):
            raise Refused(f"`{unread.path}` says that there is more, in a way that is not known")
        pages = number_of(signs, PAGE_COUNTS)
        number = next((one for one in (current, self.number, _page_asked(url)) if one is not None), None)
        here = self.first + self.asked - 1 if number is None else number
        if pages is not None and here < pages - (1 - self.first) and more is not False:
            return self._to_page(url, signs, here)
        if more is False:
            return None
        if not page.count:
            self._must_know(signs)
            return None
        total, size = number_of(signs, TOTALS), number_of(signs, SIZES)
        begin = (skipped if skipped is not None else self.skip or 0) + page.count
        seen = max(begin, self.products)
        counts = number_of(signs, COUNTS)
        if total is None and counts is not None and counts > page.count and counts > seen and pages is None:
            total = counts
        if total is not None and seen >= total and not more:
            return None
        says_none = any(sign.name in NEXT_URLS and sign.value in (None, False, "") for sign in signs)
        if total is not None and says_none:
            return None  # and the total says that something is missing
        is_full = total is None and pages is None and not says_none and page.count == (size or _size_asked(url))
        if total is None and not more and not is_full:
            self._must_know(signs)
            return None
        if skipped is not None:
            return self._to_skip(url, signs, skipped + page.count, size)
        if any(sign.path == "object" and sign.value == "list" for sign in signs):
            return self._to_url(_with(url, {"starting_after": page.last_id}))
        if number is not None or _size_asked(url) or any(sign.name in ("perpage", "pagesize") for sign in signs):
            return self._to_page(url, signs, here)
        if total is None and not is_full:
            raise Refused("it says that there is more, and not where")
        return self._to_skip(url, signs, seen, size)

    def _must_know(self, signs: list[Sign]) -> None:
        """Raise Refused if something says that there is more, in words that are not known."""
        for sign in signs:
            if sign.name not in NEXT_URLS and NEXT_SIGN.fullmatch(sign.name) and sign.value not in NOTHING:
                raise Refused(f"`{sign.path}` says that there is more, in a way that is not known")

    def _to_url(self, url: str) -> str:
        self.number = self.skip = None
        return url

    def _to_page(self, url: str, signs: list[Sign], number: int) -> str:
        self.number = number + 1
        query = [name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
        asked = next((name for name in query if plain(name.rpartition("[")[2]) in PAGE_PARAMETERS), None)
        asked = asked or next(
            (name for name in query if plain(name) in ("pagenumber", "searchcriteriacurrentpage")), None
        )
        if not asked and any(plain(sign.path).startswith("searchcriteria") for sign in signs):
            asked = "searchCriteria[currentPage]"
        if not asked and any(name == "page[size]" for name in query):
            asked = "page[number]"
        return _with(url, {asked or "page": self.number})

    def _to_skip(self, url: str, signs: list[Sign], skip: int, size: int | None) -> str:
        self.skip = skip
        name = next((sign.path.rpartition(".")[2] for sign in signs if sign.name in SKIPS), "skip")
        limit = next((sign.path.rpartition(".")[2] for sign in signs if sign.name in SIZES), "limit")
        return _with(url, {name: skip} | ({limit: size} if size else {}))


def _page_asked(url: str) -> int | None:
    """Return the number of the page that a URL asks for."""
    query = parse_qsl(urlsplit(url).query)
    return next((whole(value) for name, value in query if plain(name.rpartition("[")[2]) in PAGE_PARAMETERS), None)


def _size_asked(url: str) -> int | None:
    """Return how many products a page that a URL asks for has."""
    query = parse_qsl(urlsplit(url).query)
    return next((whole(value) for name, value in query if plain(name) in SIZES), None)


def _with(url: str, changes: Mapping[str, Any]) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(changes)
    return urlunsplit(parts._replace(query=urlencode(query)))

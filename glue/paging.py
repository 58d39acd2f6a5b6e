"""Answers of the products API: where the list lies in one, and what is said beside it of other pages."""

import json
import os
import re
from typing import IO, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from glue.errors import Refused
from glue.json_records import json_members
from glue.records import KEPT_BYTES, Source

LIST_KEYS = (b"products", b"items", b"data", b"results")
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*+)"[ \t\n\r]*+:[ \t\n\r]*+', re.DOTALL)


class Section:
    """A part of a file, as a stream."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self._file, self._left = file, end - start
        file.seek(start)

    def read(self, size: int) -> bytes:
        block = self._file.read(min(size, self._left))
        self._left -= len(block)
        return block


class Page(NamedTuple):
    """Where the list of an answer lies in its body, and what is said beside it (next, total, skip, limit)."""

    start: int
    end: int
    said: dict[str, Any]


def page_of(body: IO[bytes]) -> Page:
    """Return where the list of products lies in a body. Raises Refused."""
    size = body.seek(0, os.SEEK_END)
    source = Source(Section(body, 0, size))
    head = source.ahead.lstrip(b" \t\r\n")
    if head.startswith(b"["):
        return Page(source.offset, size, {})
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
            return Page(*lists[key], said)
    raise Refused("no list under products, items, data or results")


def whole(value: object) -> int | None:
    """Return a whole number that is not negative, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def with_query(url: str, changes: dict[str, int]) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | changes
    return urlunsplit(parts._replace(query=urlencode(query)))

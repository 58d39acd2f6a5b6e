"""Answers of the products API: where the list lies in one, what is said beside it, and whether it is an error."""

import json
import os
import re
from typing import IO, Any, NamedTuple

from glue.errors import Refused
from glue.formats import markup
from glue.json_document import error_in, shown_text
from glue.json_values import json_members
from glue.records import KEPT_BYTES, Source

LIST_KEYS = (
    *(b"products", b"items", b"data", b"results", b"records", b"rows", b"values", b"value", b"content", b"entries"),
    *(b"elements", b"nodes", b"docs", b"hits", b"list", b"result", b"catalog", b"catalogue"),
)
# In which the list, and what is said of other pages, may lie.
HOLDERS = frozenset((*LIST_KEYS, b"_embedded", b"response", b"payload", b"body"))
DEEPEST = 4
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*+)"[ \t\n\r]*+:[ \t\n\r]*+', re.DOTALL)


class Section:
    """A part of a file, as a stream."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self._file, self._at, self._end = file, start, end

    def read(self, size: int) -> bytes:
        self._file.seek(self._at)  # another section may have been read meanwhile
        block = self._file.read(min(size, self._end - self._at))
        self._at += len(block)
        return block


class Page(NamedTuple):
    """Where the list of an answer lies in its body, and what is said beside it."""

    start: int
    end: int
    said: dict[str, Any]


def page_of(body: IO[bytes]) -> Page:
    """Return where the list of products lies in a body. Raises Refused, of an answer that is an error, too."""
    size = body.seek(0, os.SEEK_END)
    source = Source(Section(body, 0, size))
    head = source.ahead.lstrip(b" \t\r\n")
    if head.startswith(b"["):
        return Page(source.offset, size, {})
    if not head.startswith(b"{"):
        words = markup(head)
        raise Refused(f"neither a JSON array nor an object{', but ' if words else ''}{words or ''}")
    start = source.offset + len(source.ahead) - len(head)
    found, said = _object(body, start, size, 1)
    if fault := error_in(said):
        raise Refused(f"an error: {fault}")
    if not found:
        message = said.get("message") or said.get("detail")
        words = f"; it says: {shown_text(message)}" if isinstance(message, str) else ""
        raise Refused(f"no list under products, items, data or results, or another usual name{words}")
    return Page(*found, said)


def _object(body: IO[bytes], start: int, end: int, depth: int) -> tuple[tuple[int, int] | None, dict[str, Any]]:
    """Return where the list in an object lies, if there is one, and what is said beside it. Raises Refused."""
    lists: dict[bytes, tuple[int, int]] = {}
    inside: list[tuple[bytes, int, int]] = []
    small = []
    for records, long in json_members(Source(Section(body, start, end), start)):
        members = [(offset, len(data), data) for _, offset, data in records]
        for offset, length, data in members + [(one.offset, one.byte_count, one.head) for one in long]:
            key = _KEY.match(data)
            if key and key[1] in LIST_KEYS and data.startswith(b"[", key.end()):
                lists[key[1]] = (offset + key.end(), offset + length)
            elif key and key[1] in HOLDERS and data.startswith(b"{", key.end()) and depth < DEEPEST:
                inside.append((key[1], offset + key.end(), offset + length))
            elif length <= KEPT_BYTES:
                small.append(data)
    try:
        said = json.loads(b"{" + b",".join(small) + b"}")
    except ValueError as error:
        raise Refused(f"not JSON: {error}") from None
    found = next((lists[key] for key in LIST_KEYS if key in lists), None)
    for key, begin, close in inside:
        deeper, said[key.decode()] = _object(body, begin, close, depth + 1)
        found = found or deeper
    return found, said


def id_of(product: bytes) -> str:
    """Return the id of a product, as an API would ask for what comes after it; nothing if it has none."""
    try:
        found = json.loads(product)
    except (ValueError, RecursionError):
        return ""
    name = next((name for name in ("id", "product_id") if isinstance(found, dict) and found.get(name)), None)
    return str(found[name]) if name else ""

"""Splits JSON deliveries into records: an array of them, one a line, one after another, or a list inside an object.

Which of these a delivery is, its beginning says, in the order of json_records. glue.json_values walks through it.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from itertools import chain
from typing import Literal

from glue.errors import Refused
from glue.formats import HEAD_BYTES, OWN, Form
from glue.json_document import REQUIRED, Document, lists_and_fields
from glue.json_values import TOO_DEEP, Walk, extent, too_deep
from glue.records import BLANK, NESTING, Batch, Rejected, Source, lines, reject

JsonForm = Literal["array", "document", "lines", "values", "blank"]

_REST_OF_LINE = re.compile(rb"[ \t\r]*+(\n|\Z)")
_BEGINS_AN_OBJECT = re.compile(rb'\{[ \t\r\n]*+["}]')
_BEGINS_JSON = re.compile(rb'[{\["\-0-9]|(?:true|false|null)\b')
_BEGINS_AN_ARRAY = re.compile(rb"[ \t]*+\[[ \t\r]*+(?:\{|\Z)")
LINES_LOOKED_AT = 10
_BLANKS = re.compile(rb"[ \t\r\n]*+")


def json_records(source: Source, of: str = "orders", form: Form = OWN) -> tuple[JsonForm, Iterator[Batch]]:
    """Return the form of a delivery of a source (`of`), and its records in batches.

    - array: it begins with `[`;
    - document: it is one object, which is no record, and in which a list of records lies;
    - values: it begins with an object that goes over several lines, or that another follows on its line;
    - lines: anything else. Blank lines are no records.

    Iterating raises Refused when an array, document or value is not whole. A record that is too long or too deep is
    rejected; no other is looked into.
    """
    number = 1
    while block := source.read():
        if text := block.lstrip(BLANK):
            number += block.count(b"\n", 0, len(block) - len(text))
            source.unread(text)
            break
        number += block.count(b"\n")
    else:
        return "blank", iter(())
    if text.startswith(b"["):
        return "array", _array(source)
    if not text.startswith(b"{"):
        head = source.peek(HEAD_BYTES)
        if fault := _csv_fault(head, of) or _array_below(head, number):
            raise Refused(fault)
        return "lines", _json_lines(source, number)
    return _objects(source, number, of, form)


def _array(source: Source) -> Iterator[Batch]:
    walk = Walk(source, "a JSON array")
    walk.at = 1
    yield from walk.elements()
    walk.nothing_follows()


def _objects(source: Source, number: int, of: str, form: Form) -> tuple[JsonForm, Iterator[Batch]]:
    """Return form and records of what begins with an object."""
    head = source.peek(HEAD_BYTES)
    is_all = len(head) < HEAD_BYTES
    end = extent(head, 0)
    first = head[:end]
    follows = b"" if end is None else head[_BLANKS.match(head, end).end() :][:1]  # type: ignore[union-attr]
    lists, fields = lists_and_fields(head, of, form)
    if end is None and lists and not fields:
        document = Document(source, of, form)
        return "document", chain(document.batches(), document.must_have_records())
    if end and not follows and is_all:
        # One object: a record, or a document with records in it. It is in memory anyway.
        document = Document(Source(BytesIO(head), source.offset), of, form)
        batches = list(document.batches()) if lists and not fields else []
        document.must_be_no_error(first)
        if document.is_taken:
            while source.read():
                pass
            return "document", iter(batches)
        document.must_be_no_other_form()
    elif end and lists and not fields and (form.is_own or form.records_path):
        document = Document(Source(BytesIO(first), source.offset), of, form)
        with suppress(Refused):  # a bad line is a bad line
            list(document.batches())
        if document.taken:
            raise Refused(f"several objects, each with a list under `{document.taken}`: deliver each in a file")
    if b"\n" in first:
        # One on many lines ends each between its parts. A line that is only not closed is a bad line, no more.
        line = first[: first.index(b"\n")].rstrip(BLANK)
        is_line = not line.endswith((b"{", b"[", b",", b":")) or not _BEGINS_AN_OBJECT.match(first)
        is_line = is_line or _goes_on_in_lines(head)
    else:
        is_line = end is None or _REST_OF_LINE.match(head, end) is not None
    if is_line or follows not in (b"", b"{"):
        return "lines", _json_lines(source, number)
    return "values", Walk(source, "JSON objects one after another").values()


def _goes_on_in_lines(head: bytes) -> bool:
    """Return whether the first line is only cut off: the second is a whole object, and the next begins another."""
    _, second, *rest = [line.strip(BLANK) for line in head.split(b"\n", 3)[:3]] + [b""]
    is_whole = second.startswith(b"{") and extent(second, 0) == len(second)
    return is_whole and all(line[:1] in (b"", b"{") for line in rest)


def _json_lines(source: Source, number: int) -> Iterator[Batch]:
    for block in lines(source, number):
        if isinstance(block, Rejected):
            yield Batch([], [block])
            continue
        records, rejected = [], []
        number, offset, data = block
        if not data.strip(BLANK):
            continue
        for line in data.removesuffix(b"\n").split(b"\n"):
            if line[:1] not in BLANK or line.strip(BLANK):
                record = (number, offset, line.removesuffix(b"\r"))
                if len(line) > 2 * NESTING and too_deep(line):
                    rejected.append(reject(record, TOO_DEEP))
                else:
                    records.append(record)
            number += 1
            offset += len(line) + 1
        yield Batch(records, rejected)


def _array_below(head: bytes, number: int) -> str | None:
    """Return what is wrong with a file in which something stands before an array of objects."""
    if begins_json(head):
        return None
    for at, line in enumerate(head.split(b"\n", LINES_LOOKED_AT)[:LINES_LOOKED_AT], number):
        if _BEGINS_AN_ARRAY.match(line):
            return f"a JSON array begins in line {at}: take out what stands before it"
    return None


def begins_json(text: bytes) -> bool:
    """Return whether a JSON value can begin so."""
    return _BEGINS_JSON.match(text) is not None


def _csv_fault(head: bytes, of: str) -> str | None:
    """Return what is wrong with a file that is named as JSON and begins as CSV."""
    line = head.split(b"\n", 1)[0].split(b"\r", 1)[0].strip(b'\xef\xbb\xbf"').lower()
    names = re.split(rb'"?[,;\t|]"?', line)
    if len(names) > 1 and REQUIRED[of][0].encode() in names:
        return "not JSON, but CSV with a header; give it a name that ends in .csv"
    return None

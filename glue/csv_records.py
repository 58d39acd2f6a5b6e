"""Splits CSV deliveries (RFC 4180, comma) into events, in bounded memory.

A record that does not parse costs the line on which it begins; reading goes on with the next line. So a quote
that is never closed loses one line, not the rest of the file. Blank lines are no records.
"""

import json
import re
from collections.abc import Generator, Iterator
from itertools import chain
from typing import NamedTuple

from glue.errors import Refused
from glue.records import RECORD_BYTES, Lines, Rejected, Source, lines, reject, too_long

COLUMNS = ("event_id", "user_id", "product_id", "event_type", "event_ts")
REQUIRED = ("event_id", "event_type", "event_ts")
BATCH_EVENTS = 1 << 13  # an event whose fields were looked at takes a kilobyte
MOST_COLUMNS = 1600  # as many as PostgreSQL allows in a table

_QUOTED = re.compile(rb'"((?:[^"]++|"")*+)"')
_BARE = re.compile(rb'[^",\r\n]*+')
_END = re.compile(rb"\r?\n|\Z")
_BLANK_LINES = re.compile(rb"(?:\r?\n)++")

_to_json = json.JSONEncoder(ensure_ascii=False).encode

# A Record, and its values: COLUMNS (None: absent, or empty without quotes), then `extra`.
Event = tuple[int, int, bytes, list[bytes | None]]


class EventBatch(NamedTuple):
    """A few megabytes of records. `quick`: lines that COPY can take as they are, if it does not refuse them."""

    quick: Lines | None
    events: list[Event]
    rejected: list[Rejected]


class _Mistake(Exception):
    """A record does not parse; the message says why."""


class _Unclosed(_Mistake):
    """A quoted field goes on past the end of the bytes at hand."""


class EventFile:
    """A CSV delivery: its header, then its records. Raises Refused when the header will not do.

    `any_columns`: a function finds the fields of an event, whatever its columns are called.
    """

    def __init__(self, source: Source, *, any_columns: bool = False) -> None:
        self._blocks = lines(source)
        first = next(self._blocks, None)
        if first is None:
            raise Refused("an empty file, without even a header")
        if isinstance(first, Rejected):
            raise Refused(f"the header is {first.reason}")
        try:
            header, end = _fields(first.data, 0)
        except _Mistake as mistake:
            raise Refused(f"the header does not parse: {mistake}") from None
        self.columns = _names(header, () if any_columns else REQUIRED)
        self._first = Lines(1 + first.data.count(b"\n", 0, end), first.offset + end, first.data[end:])
        known = {name: place for place, name in enumerate(self.columns)}
        self._places = [known.pop(name, None) for name in COLUMNS]
        self._extra = list(known.items())
        self._record, self._simple_lines = _patterns(len(self.columns))

    def batches(self) -> Iterator[EventBatch]:
        """Yield the records of the delivery, in its order."""
        held: Lines | None = None
        for block in chain([self._first], self._blocks):
            if isinstance(block, Rejected):
                if held:
                    yield from self.parse(held)
                    held = None
                yield EventBatch(None, [], [block])
                continue
            if held:
                block = Lines(held.number, held.offset, held.data + block.data)
                held = None
            if self.is_simple(block.data):
                yield EventBatch(block, [], [])
            else:
                held = yield from self._parse(block, final=False)
        if held:
            yield from self.parse(held)

    def is_simple(self, data: bytes) -> bool:
        """Return whether every line is a record of its own, and COPY would read it as we do (or refuse it)."""
        if self._extra or not data:
            return False
        if b"\r" in data:  # one byte is found much faster than two
            data = data.replace(b"\r\n", b"\n")
        if b"\n\n" in data or data.startswith(b"\n"):
            return False
        if b'"' not in data:
            return b"\r" not in data
        return self._simple_lines.fullmatch(data if data.endswith(b"\n") else data + b"\n") is not None

    def sift(self, block: Lines) -> tuple[list[int], list[bytes], list[Rejected]]:
        """Return number and text of the lines of a simple block that COPY may take, and the others as rejected.

        Looks only for what is usual: a wrong number of fields, and what is not UTF-8.
        """
        if b'"' in block.data:
            return [], [], []
        text_is_fine = _text_fault(block.data) is None
        commas = len(self.columns) - 1
        numbers, rows, rejected = [], [], []
        offset = block.offset
        for number, line in enumerate(block.data.removesuffix(b"\n").split(b"\n"), block.number):
            if line.count(b",") == commas and (text_is_fine or _text_fault(line) is None):
                numbers.append(number)
                rows.append(_without_end(line))
            else:
                for batch in self.parse(Lines(number, offset, line + b"\n")):
                    rejected += batch.rejected
            offset += len(line) + 1
        return numbers, rows, rejected

    def parse(self, block: Lines) -> Iterator[EventBatch]:
        """Yield the events of a block, every field looked at, and what had to be rejected."""
        yield from self._parse(block, final=True)

    def _parse(self, block: Lines, *, final: bool) -> Generator[EventBatch, None, Lines | None]:
        """Do the same; unless `final`, return the record at its end that is not finished."""
        number, start, data = block
        text_is_fine = _text_fault(data) is None
        events: list[Event] = []
        rejected: list[Rejected] = []
        at = 0
        while at < len(data):
            if len(events) + len(rejected) >= BATCH_EVENTS:
                yield EventBatch(None, events, rejected)
                events, rejected = [], []
            place = start + at
            if found := self._record.match(data, at):
                end = found.end()
                record = (number, place, _without_end(data[at:end]))
                if len(record[2]) > RECORD_BYTES:
                    rejected.append(reject(record, too_long(len(record[2]))))
                elif not text_is_fine and (fault := _text_fault(record[2])):
                    rejected.append(reject(record, fault))
                else:
                    events.append((*record, self._values(found.groups())))
                number += data.count(b"\n", at, end)
                at = end
                continue
            if blank := _BLANK_LINES.match(data, at):
                number += data.count(b"\n", at, blank.end())
                at = blank.end()
                continue
            try:
                fields, _ = _fields(data, at)
                mistake = f"{len(fields)} fields; the header has {len(self.columns)}"
            except _Unclosed as error:
                if not final and len(data) - at <= RECORD_BYTES:
                    yield EventBatch(None, events, rejected)
                    return Lines(number, place, data[at:])
                mistake = str(error)
            except _Mistake as error:
                mistake = str(error)
            end = data.find(b"\n", at) + 1 or len(data)
            rejected.append(reject((number, place, _without_end(data[at:end])), mistake))
            number += 1
            at = end
        yield EventBatch(None, events, rejected)
        return None

    def _values(self, groups: tuple[bytes | None, ...]) -> list[bytes | None]:
        """Return the values of COLUMNS and `extra` from the record's fields: two groups each, quoted and bare."""
        values = [None if place is None else _value(groups, place) for place in self._places]
        if not self._extra:
            return [*values, None]
        extra = {}
        for name, place in self._extra:
            value = _value(groups, place)
            extra[name] = None if value is None else value.decode()
        return [*values, _to_json(extra).encode()]


def _patterns(columns: int) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return the pattern of one record, capturing; and that of lines that are a record each."""
    record = rb",".join([rb'(?:"((?:[^"]++|"")*+)"|([^",\r\n]*+))'] * columns)
    line = rb",".join([rb'(?:"(?:[^"\r\n]++|"")*+"|[^",\r\n]*+)'] * columns)
    return re.compile(record + rb"(?:\r?\n|\Z)"), re.compile(rb"(?:" + line + rb"\n)*+")


def _value(groups: tuple[bytes | None, ...], place: int) -> bytes | None:
    quoted = groups[2 * place]
    if quoted is None:
        return groups[2 * place + 1] or None
    return quoted.replace(b'""', b'"')


def _without_end(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _text_fault(data: bytes) -> str | None:
    """Return why bytes are no text for PostgreSQL, or None."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{data[error.start]:02x} at byte {error.start} of the record"
    return "a NUL byte, which no text can hold" if b"\0" in data else None


def _fields(data: bytes, at: int) -> tuple[list[bytes], int]:
    """Return the fields of the record at `at`, and where it ends. Raises _Mistake."""
    fields: list[bytes] = []
    while True:
        field = len(fields) + 1
        if data.startswith(b'"', at):
            found = _QUOTED.match(data, at)
            if not found:
                raise _Unclosed(f"a quote is not closed (field {field})")
            fields.append(found[1].replace(b'""', b'"'))
            # What looks closed lines later is the next record's opening quote.
            mistake = "a quote is not closed" if b"\n" in found[0] else "text after a closing quote"
        else:
            found = _BARE.match(data, at)
            assert found  # it matches nothing, too
            fields.append(found[0])
            mistake = "a quote in a field that does not begin with one"
        at = found.end()
        if data.startswith(b",", at):
            at += 1
        elif end := _END.match(data, at):
            return fields, end.end()
        elif data.startswith(b"\r", at):
            raise _Mistake(f"a carriage return outside quotes (field {field})")
        else:
            raise _Mistake(f"{mistake} (field {field})")


def _names(header: list[bytes], required: tuple[str, ...]) -> list[str]:
    """Return the names of a header that has to have those `required`. Raises Refused when it will not do."""
    if len(header) > MOST_COLUMNS:
        raise Refused(f"the header has {len(header)} columns; {MOST_COLUMNS} are allowed")
    if fault := _text_fault(b",".join(header)):
        raise Refused(f"the header is {fault}")
    names = [name.decode().strip() for name in header]
    if missing := [name for name in required if name not in names]:
        raise Refused(f"the header has no column {', '.join(missing)}; it has {_short(names)}")
    if twice := {name for name in names if names.count(name) > 1}:
        raise Refused(f"the header names {_short(sorted(twice))} twice")
    return names


def _short(names: list[str]) -> str:
    text = ", ".join(repr(name) for name in names)
    return text if len(text) <= 300 else f"{text[:300]}…"

"""Splits CSV deliveries into records, in bounded memory. glue.csv_header reads their beginning.

A record that does not parse costs the line on which it begins; reading goes on with the next line. So a quote
that is never closed loses one line, not the rest of the file. Blank lines are no records, and of orders and products
neither are rows without any value. Fields behind the last column are let go if they are all empty. Spreadsheets write
such.
"""

import json
import re
from collections.abc import Generator, Iterator
from itertools import chain
from typing import Any, NamedTuple

from glue.csv_header import COLUMNS, Header, HeaderUnclosed, Mistake, Unclosed, read_header, text_fault
from glue.errors import Refused
from glue.formats import OWN, Form
from glue.records import RECORD_BYTES, Lines, Record, Rejected, Source, lines, reject, too_long

BATCH_EVENTS = 1 << 13  # an event whose fields were looked at takes a kilobyte

_BLANK_LINES = re.compile(rb"(?:\r*+\n)++")

_to_json = json.JSONEncoder(ensure_ascii=False).encode

# A Record, and its values: COLUMNS (None: absent, or empty without quotes), then `extra`.
Event = tuple[int, int, bytes, list[bytes | None]]


class EventBatch(NamedTuple):
    """A few megabytes of records. `quick`: lines that COPY can take as they are, if it does not refuse them."""

    quick: Lines | None
    events: list[Any]  # Events, or Records of JSON
    rejected: list[Rejected]


class CsvFile:
    """A CSV delivery: its header, then its records, each an object of texts. Raises Refused if the header is bad."""

    skips_empty_rows = True

    def __init__(self, source: Source, of: str, form: Form = OWN) -> None:
        self._blocks = lines(source)
        header: Header | None = None
        held: Lines | None = None
        unclosed: Refused | None = None
        # Only blank lines, and one that names the separator, may stand before it.
        while header is None:
            first = next(self._blocks, None)
            if first is None:
                raise unclosed or Refused("an empty file, without even a header")
            if isinstance(first, Rejected):
                raise unclosed or Refused(f"the header is {first.reason}")
            held = Lines(held.number, held.offset, held.data + first.data) if held else first
            try:
                header = read_header(held.data, of, form)
            except HeaderUnclosed as error:  # its line may go on in the next block
                unclosed = error
                if len(held.data) > RECORD_BYTES:
                    raise
        assert held
        number, offset, data = held
        self.columns, self.dialect, self._unnamed = header.columns, header.dialect, header.unnamed
        self._first = Lines(number + data.count(b"\n", 0, header.end), offset + header.end, data[header.end :])
        self._record, self._simple_lines = self._patterns()

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
        return False

    def parse(self, block: Lines) -> Iterator[EventBatch]:
        """Yield the records of a block, every field looked at, and what had to be rejected."""
        yield from self._parse(block, final=True)

    def _parse(self, block: Lines, *, final: bool) -> Generator[EventBatch, None, Lines | None]:
        """Do the same; unless `final`, return the record at its end that is not finished."""
        number, start, data = block
        text_is_fine = text_fault(data) is None
        made: list[Any] = []
        rejected: list[Rejected] = []
        at = 0
        while at < len(data):
            if len(made) + len(rejected) >= BATCH_EVENTS:
                yield EventBatch(None, made, rejected)
                made, rejected = [], []
            place = start + at
            if found := self._record.match(data, at):
                end = found.end()
                record = (number, place, without_end(data[at:end]))
                if self.skips_empty_rows and len(self.columns) > 1 and not any(found.groups()):
                    pass
                elif len(record[2]) > RECORD_BYTES:
                    rejected.append(reject(record, too_long(len(record[2]))))
                elif not text_is_fine and (fault := text_fault(record[2])):
                    rejected.append(reject(record, fault))
                else:
                    made.append(self._made(record, found.groups()))
                number += data.count(b"\n", at, end)
                at = end
                continue
            if blank := _BLANK_LINES.match(data, at):
                number += data.count(b"\n", at, blank.end())
                at = blank.end()
                continue
            try:
                fields, _ = self.dialect.fields(data, at)
                mistake = f"{len(fields)} fields; the header has {len(self.columns)}"
            except Unclosed as error:
                if not final and len(data) - at <= RECORD_BYTES:
                    yield EventBatch(None, made, rejected)
                    return Lines(number, place, data[at:])
                mistake = str(error)
            except Mistake as error:
                mistake = str(error)
            end = data.find(b"\n", at) + 1 or len(data)
            rejected.append(reject((number, place, without_end(data[at:end])), mistake))
            number += 1
            at = end
        yield EventBatch(None, made, rejected)
        return None

    def _made(self, record: Record, groups: tuple[bytes | None, ...]) -> Any:
        """Return what raw gets of a record whose fields are two groups each, quoted and bare."""
        pairs = enumerate(self.columns)
        return (*record[:2], self._object(groups, pairs))

    def _object(self, groups: tuple[bytes | None, ...], columns: Any) -> bytes:
        """Return columns of a record, (place, name) each, as a JSON object of texts; empty without quotes is null.

        A spreadsheet's columns without a name, and with nothing in them, are none.
        """
        texts: dict[str, str | None] = {}
        for place, name in columns:
            value = self._value(groups, place)
            if value or place not in self._unnamed:
                texts[name] = None if value is None else value.decode()
        return _to_json(texts).encode()

    def _value(self, groups: tuple[bytes | None, ...], place: int) -> bytes | None:
        quoted = groups[2 * place]
        if quoted is None:
            return groups[2 * place + 1] or None
        return self.dialect.unquoted(quoted) if self.dialect.escape in quoted else quoted

    def _patterns(self) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
        """Return the pattern of one record, capturing; and that of lines that are a record each."""
        count, dialect = len(self.columns), self.dialect
        comma, quote = re.escape(dialect.delimiter), re.escape(dialect.quote)
        field = rb"(?:%s(%s)%s|(%s))" % (quote, dialect.inside, quote, dialect.bare)
        surplus = rb"(?:%s%s)*+" % (comma, rb"(?:%s%s)?+" % (quote, quote) if quote else b"")
        line = comma.join([rb'(?:"(?:[^"\r\n]++|"")*+"|%s)' % dialect.bare] * count)
        return (
            re.compile(comma.join([field] * count) + surplus + rb"(?:\r*+\n|\Z)"),
            re.compile(rb"(?:" + line + rb"\n)*+"),
        )


class EventFile(CsvFile):
    """A CSV delivery of events: their columns, and what else they have in `extra`."""

    skips_empty_rows = False  # COPY, which reads most of them, does not

    def __init__(self, source: Source, form: Form = OWN) -> None:
        super().__init__(source, "events", form)
        # All that the records of another form have is for the function that maps them.
        known = {name: place for place, name in enumerate(self.columns)}
        self._places = [known.pop(name, None) if form.is_own else None for name in COLUMNS]
        self._extra = [(place, name) for name, place in known.items()]

    def is_simple(self, data: bytes) -> bool:
        """Return whether every line is a record of its own, and COPY would read it as we do (or refuse it)."""
        if self._extra or not data or not self.dialect.is_usual:
            return False
        data = with_newlines(data)
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
        text_is_fine = text_fault(block.data) is None
        comma = self.dialect.delimiter
        commas = len(self.columns) - 1
        numbers, rows, rejected = [], [], []
        offset = block.offset
        for number, line in enumerate(block.data.removesuffix(b"\n").split(b"\n"), block.number):
            row = without_end(line)
            if (surplus := row.count(comma) - commas) > 0 and row.endswith(comma * surplus):
                row = row[:-surplus]
                surplus = 0
            if not surplus and (text_is_fine or text_fault(row) is None):
                numbers.append(number)
                rows.append(row)
            else:
                for batch in self.parse(Lines(number, offset, line + b"\n")):
                    rejected += batch.rejected
            offset += len(line) + 1
        return numbers, rows, rejected

    def _made(self, record: Record, groups: tuple[bytes | None, ...]) -> Event:
        values = [None if place is None else self._value(groups, place) for place in self._places]
        extra = self._object(groups, self._extra) if self._extra else None
        return (*record, [*values, None if extra == b"{}" else extra])


def with_newlines(data: bytes) -> bytes:
    """Return lines as each ends in a newline alone."""
    while b"\r" in data and b"\r\n" in data:  # one byte is found much faster than two
        data = data.replace(b"\r\n", b"\n")
    return data


def without_end(line: bytes) -> bytes:
    """Return a line without its end."""
    return line.removesuffix(b"\n").rstrip(b"\r")

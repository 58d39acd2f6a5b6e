"""Packs records for COPY: whole blocks of bytes, as PostgreSQL's binary format wherever a value could need escaping."""

import struct
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from glue.csv_header import COLUMNS
from glue.csv_records import Event
from glue.errors import Refused
from glue.records import Record, Rejected

POSTGRES_EPOCH = date(2000, 1, 1)
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
MOST_LINES = 2**31 - 1
REJECTED_COLUMNS = "load_id, run_date, line_number, byte_offset, byte_count, sha256, raw_line, reason"


class Packed(NamedTuple):
    """A COPY statement, what to send, and how many rows that is."""

    statement: str
    body: bytes
    rows: int


class Packer:
    """Packs the records of one delivery."""

    def __init__(self, source: str, day: date, load_id: int) -> None:
        self._table = f"raw.{source}_json"
        # Of a date without dashes the server has one number to read, not three.
        self._line_begin = (f"\n{load_id}".encode(), f"{day:%Y%m%d}".encode(), b"%d", b"")
        # How a row of a binary COPY begins: its number of fields, load_id, run_date.
        days = (day - POSTGRES_EPOCH).days
        self._begin = {fields: struct.pack(">hiqii", fields, 8, load_id, 4, days) for fields in (4, 8, 9)}

    def json(self, records: Sequence[Record]) -> Packed:
        """Pack rows of orders_json or products_json."""
        _check(records[-1])
        begin, numbers = self._begin[4], struct.Struct(">iii").pack
        parts = []
        for number, _, data in records:
            parts += (begin, numbers(4, number, len(data)), data)
        return _binary(f"{self._table} (load_id, run_date, line_number, raw_json)", parts, len(records))

    def events(self, events: Sequence[Event]) -> Packed:
        """Pack rows of events_csv."""
        _check(events[-1])
        begin, numbers = self._begin[9], struct.Struct(">ii").pack
        parts = []
        for number, _, _, values in events:
            parts += (begin, numbers(4, number), *map(_field, values))
        table = f"raw.events_csv (load_id, run_date, line_number, {', '.join(COLUMNS)}, extra)"
        return _binary(table, parts, len(events))

    def event_lines(
        self, columns: Sequence[str], numbers: Sequence[int], lines: Sequence[bytes], delimiter: bytes = b","
    ) -> Packed:
        """Pack lines of CSV as they are, each behind its own number. `columns` are all among COLUMNS."""
        parts = [b""] * (2 * len(lines))
        begin = delimiter.join(self._line_begin)
        parts[::2] = [begin % number for number in numbers]
        parts[1::2] = lines
        body = b"".join(parts)
        names = ", ".join(columns)
        statement = f"COPY raw.events_csv (load_id, run_date, line_number, {names}) FROM STDIN (FORMAT csv"
        statement += f", DELIMITER E'\\x{delimiter.hex()}')"
        return Packed(statement, body[1:], len(lines))

    def rejected(self, records: Sequence[Rejected]) -> Packed:
        """Pack rows of rejected_lines."""
        parts = []
        for number, offset, byte_count, sha256, head, reason in records:
            _check((number,))
            place = struct.pack(">iiiqiq", 4, number, 8, offset, 8, byte_count)
            parts += (self._begin[8], place, *map(_field, (sha256.encode(), head, reason.encode())))
        return _binary(f"raw.rejected_lines ({REJECTED_COLUMNS})", parts, len(records))


def _binary(table: str, parts: list[bytes], rows: int) -> Packed:
    return Packed(f"COPY {table} FROM STDIN (FORMAT binary)", b"".join((HEADER, *parts, END)), rows)


def _field(value: bytes | None) -> bytes:
    return NULL if value is None else struct.pack(">i", len(value)) + value


def _check(last: Sequence[Any]) -> None:
    if last[0] > MOST_LINES:
        raise Refused(f"more than {MOST_LINES} lines: deliver it in several files")

"""Loads one delivery into raw: one transaction, COPY, and a row in raw.file_loads."""

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Literal, Protocol, TypeVar

import psycopg
from psycopg import errors

from glue import landing
from glue.csv_records import COLUMNS, Event, EventBatch, EventFile
from glue.errors import GlueError, Refused
from glue.landing import Content
from glue.records import Lines, Record, Rejected, Source, json_fault, json_records, reject

# What the server says of bytes that it cannot take: class 22, and records that are too deep for its stack.
UNACCEPTABLE = (psycopg.DataError, errors.StatementTooComplex, errors.ProgramLimitExceeded)
REASON_CHARACTERS = 1000
POSTGRES_EPOCH = date(2000, 1, 1)
BINARY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
BINARY_END = b"\xff\xff"
# A long file says where it is this often.
PROGRESS_SECONDS = 5

Say = Callable[[str], None]
Row = TypeVar("Row", Record, Event)


class Openable(Protocol):
    """Something to be loaded: a file of the landing zone, or a catalogue fetched from the API."""

    @property
    def name(self) -> str:
        """The delivery's name."""

    def open(self, *, packed: bool = False) -> AbstractContextManager[Content]:
        """Open it from the start."""


@dataclass(frozen=True)
class Loaded:
    """What became of a delivery. `reason` says why it was refused."""

    name: str
    outcome: Literal["loaded", "unchanged", "refused"]
    byte_count: int
    rows: int = 0
    rejected: int = 0
    reason: str | None = None

    def __str__(self) -> str:
        name = landing.shown(self.name)
        if self.outcome == "refused":
            return f"{name}: REFUSED, nothing of it is loaded: {self.reason}"
        if self.outcome == "unchanged":
            return f"{name}: the same bytes as before; nothing to do"
        rejected = f", {self.rejected:,} rejected" if self.rejected else ""
        return f"{name}: {self.rows:,} rows{rejected}, {self.byte_count / 1e6:,.1f} MB"


def load(
    connection: psycopg.Connection, source: str, day: date, delivery: Openable, say: Say = lambda line: None
) -> Loaded:
    """Load a delivery, all or nothing, unless the same bytes are in force already. `say` gets progress lines.

    A delivery that cannot be taken is recorded as refused. Raises GlueError when it changes while it is read,
    OSError when it cannot be read, psycopg.Error when the database fails: then nothing is recorded.
    """
    sha256, byte_count, refused = _fingerprint(delivery)
    rows = rejected = 0
    with connection.transaction():
        opened = connection.execute("SELECT raw.open_load(%s, %s, %s, %s)", (source, day, delivery.name, sha256))
        load_id = opened.fetchone()[0]
        if load_id is None:
            return Loaded(delivery.name, "unchanged", byte_count)
        if refused is None:
            try:
                with connection.transaction():
                    loading = _Loading(connection, source, day, load_id)
                    _load_content(loading, delivery, sha256, byte_count, say)
                    rows, rejected = loading.rows, loading.rejected
            except Refused as error:
                refused = str(error)
        connection.execute(
            "SELECT raw.close_load(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (load_id, source, day, delivery.name, sha256, byte_count, rows, rejected, refused),
        )
    return Loaded(delivery.name, "refused" if refused else "loaded", byte_count, rows, rejected, refused)


def _fingerprint(delivery: Openable) -> tuple[str, int, str | None]:
    """Return sha256 and length of a delivery's content, and why it is refused if it does not unpack.

    One that does not unpack has no content: then they are those of the packed bytes.
    """
    with delivery.open() as content:
        try:
            content.read_to_end()
            return content.sha256, content.byte_count, None
        except landing.DAMAGE as error:
            reason = f"it does not unpack after {content.byte_count} bytes: {error}"
    with delivery.open(packed=True) as content:
        content.read_to_end()
        return content.sha256, content.byte_count, reason


def _load_content(loading: "_Loading", delivery: Openable, sha256: str, byte_count: int, say: Say) -> None:
    """Load what a delivery holds. Raises Refused, or GlueError if that is not what its hash was made of."""
    name = landing.shown(delivery.name)
    refused: Refused | None = None
    told = time.monotonic()
    try:
        with delivery.open() as content:
            try:
                for _ in loading.run(content, delivery.name):
                    if time.monotonic() - told > PROGRESS_SECONDS:
                        told = time.monotonic()
                        say(f"{name}: {loading.rows:,} rows, {content.byte_count / (byte_count or 1):.0%}")
            except Refused as error:
                refused = error
            content.read_to_end()
            unchanged = content.sha256 == sha256
    except landing.DAMAGE:
        unchanged = False  # it could be unpacked a moment ago
    if not unchanged:
        raise GlueError(f"{name} changed while it was read, nothing of it is loaded: run again when it is whole")
    if refused:
        raise refused


class _Loading:
    """The loading of one delivery: `rows` and `rejected` count what went into raw."""

    def __init__(self, connection: psycopg.Connection, source: str, day: date, load_id: int) -> None:
        self.connection, self.source, self.day, self.load_id = connection, source, day, load_id
        self.rows = self.rejected = 0
        # How a row of a binary COPY begins: its number of fields, load_id, run_date.
        days = (day - POSTGRES_EPOCH).days
        self._begin = {count: struct.pack(">hiqii", count, 8, load_id, 4, days) for count in (4, 8, 9)}

    def run(self, content: Content, name: str) -> Iterator[None]:
        """Copy all records, a batch at a time. Raises Refused."""
        source = Source(content)
        if self.source == "events":
            file = EventFile(source)
            for events in file.batches():
                self._take_events(file, events)
                yield
            return
        form, batches = json_records(source)
        if form == "blank" and name.endswith(".json"):
            raise Refused("an empty file; a day without any is []")
        for batch in batches:
            unfit = self._take(batch.records, self._copy_json, json_fault)
            if unfit and form == "array":
                first = unfit[0]
                raise Refused(f"not a JSON array: element {first.number}, at byte {first.offset}: {first.reason}")
            self._reject(batch.rejected + unfit)
            yield

    def _take_events(self, file: EventFile, batch: EventBatch) -> None:
        if batch.quick:
            try:
                with self.connection.transaction():
                    self.rows += self._copy_lines(file, batch.quick)
                return
            except UNACCEPTABLE:
                batch = file.parse(batch.quick)
        self._reject(batch.rejected + self._take(batch.events, self._copy_events))

    def _take(
        self, rows: list[Row], copy: Callable[[list[Row]], None], judge: Callable[[bytes], str | None] | None = None
    ) -> list[Rejected]:
        """Copy what the server takes of `rows` and return the rest, in order.

        `judge` finds rows to leave out without asking the server for each. What it overlooks is found by halves.
        """
        if not rows:
            return []
        try:
            with self.connection.transaction():
                copy(rows)
            self.rows += len(rows)
            return []
        except UNACCEPTABLE as error:
            if len(rows) == 1 and not judge:
                return [reject(_record(rows[0]), _reason(error))]
        if judge:
            faults = [judge(_record(row)[2]) for row in rows]
            unfit = [reject(_record(row), fault) for row, fault in zip(rows, faults, strict=True) if fault]
            fit = [row for row, fault in zip(rows, faults, strict=True) if not fault]
            return sorted(unfit + self._take(fit, copy))
        half = len(rows) // 2
        return self._take(rows[:half], copy) + self._take(rows[half:], copy)

    def _copy_json(self, records: list[Record]) -> None:
        begin, pack = self._begin[4], struct.Struct(">iii").pack
        body = []
        for number, _, data in records:
            body += (begin, pack(4, number, len(data)), data)
        self._copy(f"raw.{self.source}_json (load_id, run_date, line_number, raw_json)", body)

    def _copy_events(self, events: list[Event]) -> None:
        begin = self._begin[9]
        body = []
        for (number, _, _), values in events:
            body += (begin, struct.pack(">ii", 4, number), *map(_field, values))
        self._copy(f"raw.events_csv (load_id, run_date, line_number, {', '.join(COLUMNS)}, extra)", body)

    def _copy_lines(self, file: EventFile, lines: Lines) -> int:
        """Copy lines as they are, each behind its own number. Return how many there were."""
        rows = lines.data.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
        begin = f"\n{self.load_id},{self.day},%d,".encode()
        begins = [begin % number for number in range(lines.number, lines.number + len(rows))]
        body = b"".join(chain.from_iterable(zip(begins, rows, strict=True)))
        columns = ", ".join(file.columns)  # is_simple: no others than COLUMNS
        with (
            self.connection.cursor() as cursor,
            cursor.copy(
                f"COPY raw.events_csv (load_id, run_date, line_number, {columns}) FROM STDIN (FORMAT csv)"
            ) as copy,
        ):
            copy.write(body[1:])
        return len(rows)

    def _reject(self, records: list[Rejected]) -> None:
        if not records:
            return
        begin = self._begin[8]
        body = []
        for number, offset, byte_count, sha256, head, reason in records:
            place = struct.pack(">iiiqiq", 4, number, 8, offset, 8, byte_count)
            body += (begin, place, *map(_field, (sha256.encode(), head, reason.encode())))
        columns = "load_id, run_date, line_number, byte_offset, byte_count, sha256, raw_line, reason"
        self._copy(f"raw.rejected_lines ({columns})", body)
        self.rejected += len(records)

    def _copy(self, table: str, body: list[bytes]) -> None:
        """COPY rows in PostgreSQL's binary format: nothing needs escaping, so nothing can be escaped wrongly."""
        with self.connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
            copy.write(BINARY_HEADER)
            copy.write(b"".join(body))
            copy.write(BINARY_END)


def _field(value: bytes | None) -> bytes:
    return b"\xff\xff\xff\xff" if value is None else struct.pack(">i", len(value)) + value


def _record(row: Record | Event) -> Record:
    return row[0] if isinstance(row[0], tuple) else row


def _reason(error: psycopg.Error) -> str:
    text = " ".join(filter(None, (error.diag.message_primary, error.diag.message_detail)))
    return f"PostgreSQL: {text}"[:REASON_CHARACTERS]

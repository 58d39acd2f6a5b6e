"""Loads one delivery into raw: one transaction, COPY, and a row in raw.file_loads."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol, TypeVar

import psycopg
from psycopg import errors
from rich.filesize import decimal as byte_size

from glue.csv_records import Event, EventBatch, EventFile
from glue.errors import GlueError, Refused
from glue.json_records import json_fault, json_records
from glue.landing import DAMAGE, Content, shown
from glue.packing import Packed, Packer
from glue.records import Record, Rejected, Source, reject
from glue.shape import Shape, shape_of

# What the server says of bytes that it cannot take: class 22, and records that are too deep for its stack.
UNACCEPTABLE = (psycopg.DataError, errors.StatementTooComplex, errors.ProgramLimitExceeded)
REASON_CHARACTERS = 1000
# A long file says where it is this often.
PROGRESS_SECONDS = 5

Say = Callable[[str], None]
Item = TypeVar("Item")
Row = TypeVar("Row", Record, Event)


class Openable(Protocol):
    """Something to be loaded: a file of the landing zone, or a catalogue fetched from the API."""

    @property
    def name(self) -> str:
        """The delivery's name."""

    def open(self, *, compressed: bool = False) -> AbstractContextManager[Content]:
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
        name = shown(self.name)
        if self.outcome == "refused":
            return f"{name}: REFUSED, nothing of it is loaded: {self.reason}"
        if self.outcome == "unchanged":
            return f"{name}: the same bytes as before; nothing to do"
        rejected = f", {self.rejected:,} rejected" if self.rejected else ""
        return f"{name}: {self.rows:,} rows{rejected}, {byte_size(self.byte_count)}"


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
                    shape = shape_of(connection, source, delivery.name)
                    loading = _Loading(connection, source, Packer(source, day, load_id), shape)
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

    One that does not unpack has no content: then they are those of the compressed bytes.
    """
    with delivery.open() as content:
        try:
            content.read_to_end()
            return content.sha256, content.byte_count, None
        except DAMAGE as error:
            reason = f"it does not unpack after {content.byte_count} bytes: {error}"
    with delivery.open(compressed=True) as content:
        content.read_to_end()
        return content.sha256, content.byte_count, reason


def _load_content(loading: "_Loading", delivery: Openable, sha256: str, byte_count: int, say: Say) -> None:
    """Load what a delivery holds. Raises Refused, or GlueError if that is not what its hash was made of."""
    name = shown(delivery.name)
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
    except DAMAGE:
        unchanged = False  # it could be unpacked a moment ago
    if not unchanged:
        raise GlueError(f"{name} changed while it was read, nothing of it is loaded: run again when it is whole")
    if refused:
        raise refused


class _Loading:
    """The loading of one delivery: `rows` and `rejected` count what went into raw."""

    def __init__(self, connection: psycopg.Connection, source: str, packer: Packer, shape: Shape) -> None:
        self.connection, self.source, self.packer, self.shape = connection, source, packer, shape
        self.rows = self.rejected = 0

    def run(self, content: Content, name: str) -> Iterator[None]:
        """Copy all records, a batch at a time. Raises Refused."""
        if self.source == "events":
            yield from self._events(content)
        else:
            yield from self._json(content, name)

    def _json(self, content: Content, name: str) -> Iterator[None]:
        form, batches = json_records(Source(content))
        if form == "blank" and name.endswith(".json"):
            raise Refused("an empty file; a day without any is []")
        packed = ((batch, self.packer.json(batch.records) if batch.records else None) for batch in batches)
        with _ahead(packed) as prepared:
            for batch, packed_records in prepared:
                unfit: list[Rejected] = []
                if packed_records and self._refusal(packed_records):
                    unfit = self._sift(batch.records)
                if unfit and form == "array":
                    first = min(unfit)
                    place = f"element {first.number}, at byte {first.offset}"
                    raise Refused(f"not a JSON array: {place}: {first.reason}")
                self._reject(batch.rejected + unfit)
                yield

    def _sift(self, records: list[Record]) -> list[Rejected]:
        """Copy the records that are JSON, and return the others."""
        unfit: list[Rejected] = []
        for suspect in (_is_cut, bool):  # first only what is not an object from end to end, then each
            faults = [(record, json_fault(record[2]) if suspect(record[2]) else None) for record in records]
            unfit += [reject(record, fault) for record, fault in faults if fault]
            records = [record for record, fault in faults if not fault]
            if not records or not self._refusal(self.packer.json(records)):
                return sorted(unfit)
        return sorted(unfit + self._by_halves(records, self.packer.json))

    def _events(self, content: Content) -> Iterator[None]:
        file = EventFile(Source(content), any_columns=self.shape.is_mapped)

        def pack(batch: EventBatch) -> Packed | None:
            if not batch.quick:
                return None
            data = batch.quick.data
            if b"\r" in data:
                data = data.replace(b"\r\n", b"\n")
            rows = data.removesuffix(b"\n").split(b"\n")
            numbers = range(batch.quick.number, batch.quick.number + len(rows))
            return self.packer.event_lines(file.columns, numbers, rows)

        with _ahead((batch, pack(batch)) for batch in file.batches()) as prepared:
            for batch, packed in prepared:
                if not packed:
                    self._take(batch)
                elif self._refusal(packed):
                    numbers, rows, unfit = file.sift(batch.quick)
                    if rows and not self._refusal(self.packer.event_lines(file.columns, numbers, rows)):
                        self._reject(unfit)
                    else:
                        for part in file.parse(batch.quick):
                            self._take(part)
                yield

    def _take(self, batch: EventBatch) -> None:
        self._reject(batch.rejected + self._by_halves(batch.events, self.packer.events))

    def _by_halves(self, rows: list[Row], pack: Callable[[list[Row]], Packed]) -> list[Rejected]:
        """Copy what the server takes of `rows`, and return the rest as rejected, for the server's reason."""
        if not rows:
            return []
        refusal = self._refusal(pack(rows))
        if not refusal:
            return []
        if len(rows) == 1:
            return [reject(rows[0], refusal)]
        half = len(rows) // 2
        return self._by_halves(rows[:half], pack) + self._by_halves(rows[half:], pack)

    def _reject(self, records: list[Rejected]) -> None:
        if records:
            self._copy(self.packer.rejected(records))
            self.rejected += len(records)

    def _refusal(self, packed: Packed) -> str | None:
        """Copy rows, all or none. Return why the server does not take them, None if it did."""
        try:
            with self.connection.transaction():
                self._copy(packed)
        except UNACCEPTABLE as error:
            text = " ".join(filter(None, (error.diag.message_primary, error.diag.message_detail)))
            # It quotes from the record.
            return f"PostgreSQL: {shown(text[:REASON_CHARACTERS])}"
        self.rows += packed.rows
        return None

    def _copy(self, packed: Packed) -> None:
        with self.connection.cursor() as cursor, cursor.copy(packed.statement) as copy:
            copy.write(packed.body)


def _is_cut(record: bytes) -> bool:
    return not (record.startswith(b"{") and record.endswith(b"}"))


@contextmanager
def _ahead(items: Iterator[Item]) -> Iterator[Iterator[Item]]:
    """Iterate in a thread that is one item ahead: the next one is made while the server takes this one."""
    with ThreadPoolExecutor(1) as thread:

        def iterate() -> Iterator[Item]:
            end = object()
            coming = thread.submit(next, items, end)
            while (item := coming.result()) is not end:
                coming = thread.submit(next, items, end)
                yield item

        yield iterate()

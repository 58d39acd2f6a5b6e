"""Copies the records of one delivery into raw, a batch at a time, and sifts out those that the server does not take."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from glue.csv_records import CsvFile, Event, EventBatch, EventFile, with_newlines
from glue.errors import Refused
from glue.formats import WINDOWS, Form, as_utf8, looks_like_windows
from glue.json_document import shown_text
from glue.json_events import events_of
from glue.json_records import begins_json, json_records
from glue.json_values import json_fault
from glue.landing import Content, is_csv, shown
from glue.packing import Packed, Packer
from glue.records import BLANK, Batch, Record, Rejected, Source, reject

# What the server says of bytes that it cannot take: class 22, and records that are too deep for its stack.
UNACCEPTABLE = (psycopg.DataError, errors.StatementTooComplex, errors.ProgramLimitExceeded)
REASON_CHARACTERS = 1000
# A file is taken for Windows-1252 if at least two of its records and 1 % of them read well so, or most of them.
FEWEST, ONE_IN = 2, 100
# So many records of which none can be read are one fault, of the file.
ALL_BAD = 3
# A message instead of data is longer; of one this much is shown.
FEWEST_BYTES, SHOWN_BYTES = 8, 20

Item = TypeVar("Item")
Row = TypeVar("Row", Record, Event)


class Loading:
    """The loading of one delivery: `rows` and `rejected` count what went into raw."""

    def __init__(self, connection: psycopg.Connection, source: str, packer: Packer, form: Form) -> None:
        self.connection, self.source, self.packer, self.form = connection, source, packer, form
        self.rows = self.rejected = 0
        self.is_json = False
        self.first: Rejected | None = None  # that was rejected
        self.windows = 0  # rejected records that are not UTF-8, and read well as Windows-1252
        self.has_utf8 = False  # whether a record that was taken is more than ASCII

    def run(self, content: Content, name: str) -> Iterator[None]:
        """Copy all records, a batch at a time. Raises Refused."""
        csv = is_csv(name)
        self.is_json = not csv
        source = Source(as_utf8(content, self.form, is_csv=csv))
        if self.source == "events":
            yield from self._events(source) if csv else self._json_events(source)
        elif csv:
            yield from self._csv(CsvFile(source, self.source, self.form))
        else:
            yield from self._json(source)
        # Bad lines are rejected one by one; but a file in another encoding has one fault, and is refused for it.
        found, records = self.windows, self.rows + self.rejected
        if not self.has_utf8 and ((found >= FEWEST and found * ONE_IN >= records) or found * 2 > records):
            raise Refused(f"not UTF-8: {found} of its {records} records are not; {WINDOWS}")
        if self.first and not self.rows and self.rejected >= ALL_BAD:
            place = f"the first begins at byte {self.first.offset} and is rejected because: {self.first.reason}"
            raise Refused(f"none of its {self.rejected} records can be read; {place}")
        is_text = self.first and self.is_json and self.first.byte_count >= FEWEST_BYTES
        if is_text and not self.rows and not begins_json(self.first.head.lstrip(BLANK)):
            begin = self.first.head[:SHOWN_BYTES].decode(errors="replace")
            words = "nor any other text" if "\ufffd" in begin[:-1] else f"it begins with {shown_text(begin)!r}"
            raise Refused(f"no JSON: {words}")

    def _json(self, source: Source) -> Iterator[None]:
        form, batches = self._records(source)
        packed = ((batch, self.packer.json(batch.records) if batch.records else None) for batch in batches)
        with _ahead(packed) as prepared:
            for batch, packed_records in prepared:
                unfit: list[Rejected] = []
                if packed_records and self._refusal(packed_records):
                    unfit = self._sift(batch.records)
                self._refuse_parts(form, unfit)
                self._note_text(batch.records, unfit)
                self._reject(batch.rejected + unfit)
                yield

    def _records(self, source: Source) -> tuple[str, Iterator[Batch]]:
        form, batches = json_records(source, self.source, self.form)
        if form == "blank":
            raise Refused("an empty file; a day without any is []")
        return form, batches

    def _refuse_parts(self, form: str, unfit: list[Rejected]) -> None:
        """Raise Refused if there are unfit records in what is taken as a whole or not at all."""
        if unfit and form in ("array", "document"):
            first = min(unfit)
            what = "a JSON array" if form == "array" else "a JSON object"
            windows = f"; {WINDOWS}" if looks_like_windows(first.head) and "UTF-8" in first.reason else ""
            raise Refused(f"not {what}: element {first.number}, at byte {first.offset}: {first.reason}{windows}")

    def _note_text(self, records: Sequence[Sequence[Any]], unfit: list[Rejected]) -> None:
        """Remember whether records that were taken are more than ASCII; until one is."""
        if not self.has_utf8:
            places = {one.offset for one in unfit}
            self.has_utf8 = any(not one[2].isascii() and one[1] not in places for one in records)

    def _json_events(self, source: Source) -> Iterator[None]:
        form, batches = self._records(source)
        with _ahead(events_of(batches, is_own=self.form.is_own)) as prepared:
            for batch in prepared:
                self._refuse_parts(form, [one for one in batch.rejected if one.reason.startswith("not ")])
                self._take(batch)
                yield

    def _csv(self, file: CsvFile) -> Iterator[None]:
        packed = ((batch, self.packer.json(batch.events) if batch.events else None) for batch in file.batches())
        with _ahead(packed) as prepared:
            for batch, packed_records in prepared:
                unfit: list[Rejected] = []
                if packed_records and self._refusal(packed_records):
                    unfit = self._by_halves(batch.events, self.packer.json)
                self._note_text(batch.events, unfit)
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

    def _events(self, source: Source) -> Iterator[None]:
        file = EventFile(source, self.form)
        delimiter = file.dialect.delimiter

        def pack(batch: EventBatch) -> Packed | None:
            if not batch.quick:
                return None
            rows = with_newlines(batch.quick.data).removesuffix(b"\n").split(b"\n")
            numbers = range(batch.quick.number, batch.quick.number + len(rows))
            return self.packer.event_lines(file.columns, numbers, rows, delimiter)

        with _ahead((batch, pack(batch)) for batch in file.batches()) as prepared:
            for batch, packed in prepared:
                if not packed:
                    self._take(batch)
                elif self._refusal(packed):
                    numbers, rows, unfit = file.sift(batch.quick)
                    if rows and not self._refusal(self.packer.event_lines(file.columns, numbers, rows, delimiter)):
                        self.has_utf8 = self.has_utf8 or not all(row.isascii() for row in rows)
                        self._reject(unfit)
                    else:
                        for part in file.parse(batch.quick):
                            self._take(part)
                elif not self.has_utf8:
                    self.has_utf8 = not batch.quick.data.isascii()
                yield

    def _take(self, batch: EventBatch) -> None:
        unfit = self._by_halves(batch.events, self.packer.events)
        self._note_text(batch.events, unfit)
        self._reject(batch.rejected + unfit)

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
            self.first = self.first or min(records)
            self.rejected += len(records)
            self.windows += sum(one.reason.startswith("not UTF-8") and self._is_windows(one) for one in records)

    def _is_windows(self, one: Rejected) -> bool:
        """Return whether a record that is not UTF-8 would be a good one in Windows-1252."""
        if not looks_like_windows(one.head) or not self.is_json:
            return looks_like_windows(one.head)
        is_object = one.head.startswith(b"{") and one.head.endswith(b"}")
        return is_object and json_fault(one.head.decode("cp1252", "replace").encode()) is None

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

"""Loads one delivery into raw: one transaction, COPY, and a row in raw.file_loads."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

import psycopg
from rich.filesize import decimal as byte_size

from glue.errors import GlueError, Refused
from glue.formats import OWN, Form
from glue.landing import DAMAGE, Content, shown
from glue.loading import Loading
from glue.packing import Packer

# A long file says where it is this often.
PROGRESS_SECONDS = 5

Say = Callable[[str], None]


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
    connection: psycopg.Connection,
    source: str,
    day: date,
    delivery: Openable,
    say: Say = lambda line: None,
    form: Form = OWN,
) -> Loaded:
    """Load a delivery, all or nothing, unless the same bytes are in force already. `say` gets progress lines.

    `form` is what its shape says of the file.

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
                    loading = Loading(connection, source, Packer(source, day, load_id), form)
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


def _load_content(loading: Loading, delivery: Openable, sha256: str, byte_count: int, say: Say) -> None:
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

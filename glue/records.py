"""What splits deliveries into records, in bounded memory. Bytes go through as they are.

glue.json_records and glue.csv_records find the records; here is what both make of them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

BLOCK_BYTES = 1 << 20  # several times this are in memory, as lines, packed and on their way, of each source
BATCH_RECORDS = 1 << 16  # a record costs memory of its own, however short it is
RECORD_BYTES = 16 << 20  # a longer record is rejected
KEPT_BYTES = 64 << 10  # of a rejected record
NESTING = 512  # a JSON record nested deeper is rejected
# Python judges only records up to this size: its objects may take 30 times the room of their text.
JUDGED_BYTES = 1 << 20

BLANK = b" \t\r\n"
BOM = b"\xef\xbb\xbf"

# Line number or element number (from 1), byte offset in the delivery (from 0), the bytes.
Record = tuple[int, int, bytes]


class Rejected(NamedTuple):
    """A record that raw cannot take: where it lies, what it was, and why not."""

    number: int
    offset: int
    byte_count: int
    sha256: str
    head: bytes
    reason: str


class Batch(NamedTuple):
    """A few megabytes of records, in the order of the delivery."""

    records: list[Record]
    rejected: list[Rejected]


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class Source:
    """A stream read block by block, which knows where it is; a UTF-8 BOM at its start is left out."""

    def __init__(self, stream: Readable, offset: int = 0) -> None:
        self._stream = stream
        self.ahead = stream.read(BLOCK_BYTES)
        self.offset = offset  # of what read() returns next
        if self.ahead.startswith(BOM) and not offset:
            self.ahead = self.ahead[len(BOM) :]
            self.offset = len(BOM)

    def read(self) -> bytes:
        """Return the next block; nothing at the end."""
        if self.ahead:
            block, self.ahead = self.ahead[:BLOCK_BYTES], self.ahead[BLOCK_BYTES:]
        else:
            block = self._stream.read(BLOCK_BYTES)
        self.offset += len(block)
        return block

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end; read() returns them again."""
        while len(self.ahead) < size and (block := self._stream.read(BLOCK_BYTES)):
            self.ahead += block
        return self.ahead[:size]

    def unread(self, block: bytes) -> None:
        """Put back the end of what was read."""
        self.ahead = block + self.ahead
        self.offset -= len(block)


class Lines(NamedTuple):
    """Whole lines, each with its newline (the last one of a delivery may have none)."""

    number: int
    offset: int
    data: bytes


class Long:
    """A record too long to be kept: hashed while it goes by."""

    def __init__(self, number: int, offset: int) -> None:
        self.number, self.offset = number, offset
        self.byte_count, self.head, self.sha256 = 0, b"", hashlib.sha256()

    def add(self, data: bytes) -> None:
        self.byte_count += len(data)
        self.head += data[: KEPT_BYTES - len(self.head)]
        self.sha256.update(data)

    def rejected(self) -> Rejected:
        digest = self.sha256.hexdigest()
        return Rejected(self.number, self.offset, self.byte_count, digest, self.head, too_long(self.byte_count))


def too_long(byte_count: int) -> str:
    """Return the reason why a record of this length is rejected."""
    return f"{byte_count} bytes long; a record may have {RECORD_BYTES}"


def reject(record: Sequence[Any], reason: str) -> Rejected:
    """Return a record (or what begins like one) as rejected for `reason`."""
    number, offset, data, *_ = record
    return Rejected(number, offset, len(data), hashlib.sha256(data).hexdigest(), data[:KEPT_BYTES], reason)


def lines(source: Source, number: int = 1) -> Iterator[Lines | Rejected]:
    """Yield the lines of a delivery in blocks, counted from `number`; a line too long on its own, as rejected."""
    offset = source.offset
    held = b""  # the beginning of a line
    long: Long | None = None
    while block := source.read():
        if long or (len(held) + len(block) > RECORD_BYTES and b"\n" not in block[: RECORD_BYTES + 1 - len(held)]):
            long = long or Long(number, offset)
            line, newline, block = block.partition(b"\n")
            long.add(held)
            long.add(line)
            held = b""
            if not newline:
                continue
            yield long.rejected()
            number, offset, long = number + 1, long.offset + long.byte_count + 1, None
        cut = block.rfind(b"\n") + 1
        if not cut:
            held += block
            continue
        data = held + block[:cut] if held else block[:cut]
        held = block[cut:]
        for piece in _pieces(data):
            yield Lines(number, offset, piece)
            number, offset = number + piece.count(b"\n"), offset + len(piece)
    if long:
        yield long.rejected()
    elif held:
        yield Lines(number, offset, held)


def _pieces(data: bytes) -> Iterator[bytes]:
    """Yield whole lines, not too many at a time."""
    if data.count(b"\n") <= BATCH_RECORDS:
        yield data
        return
    middle = data.find(b"\n", len(data) // 2) + 1
    if middle == len(data):  # one long line, after which nothing can be cut off
        middle = data.rfind(b"\n", 0, -1) + 1
    yield from _pieces(data[:middle])
    yield from _pieces(data[middle:])

"""Splits JSON deliveries into records, in bounded memory. Bytes go through as they are.

What is JSON is decided by PostgreSQL, when the records are copied: these splitters only find where a record
begins and ends. For an array that is enough: it is valid when each element is, the elements are separated by
single commas, and nothing follows the closing bracket.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from glue.errors import Refused

BLOCK_BYTES = 2 << 20
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

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.ahead = stream.read(BLOCK_BYTES)
        self.offset = 0  # of what read() returns next
        if self.ahead.startswith(BOM):
            self.ahead = self.ahead[len(BOM) :]
            self.offset = len(BOM)

    def read(self) -> bytes:
        """Return the next block; nothing at the end."""
        block, self.ahead = self.ahead or self._stream.read(BLOCK_BYTES), b""
        self.offset += len(block)
        return block

    def unread(self, block: bytes) -> None:
        """Put back the end of what was read."""
        self.ahead = block + self.ahead
        self.offset -= len(block)


class Lines(NamedTuple):
    """Whole lines, each with its newline (the last one of a delivery may have none)."""

    number: int
    offset: int
    data: bytes


class _Long:
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
    long: _Long | None = None
    while block := source.read():
        if long or (len(held) + len(block) > RECORD_BYTES and b"\n" not in block[: RECORD_BYTES + 1 - len(held)]):
            long = long or _Long(number, offset)
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


def json_records(source: Source) -> tuple[Literal["array", "lines", "blank"], Iterator[Batch]]:
    """Return the form of a delivery, and its records in batches: elements of the array, else lines.

    What begins with `[` is an array. Iterating raises Refused when it is not whole. A record that is too long
    or too deep is rejected; no other is looked into. Blank lines are no records.
    """
    number = 1
    while block := source.read():
        if text := block.lstrip(BLANK):
            blank = block[: len(block) - len(text)]
            source.unread(text)
            if text.startswith(b"["):
                return "array", _ContainerReader(source, b"]").batches()
            return "lines", _json_lines(source, number + blank.count(b"\n"))
        number += block.count(b"\n")
    return "blank", iter(())


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
                if len(line) > 2 * NESTING and _too_deep(line):
                    rejected.append(reject(record, _DEEP))
                else:
                    records.append(record)
            number += 1
            offset += len(line) + 1
        yield Batch(records, rejected)


_DEEP = f"nested deeper than {NESTING}"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BRACKETS = re.compile(rb"[\[{]|[\]}]|" + _STRING, re.DOTALL)


def _too_deep(record: bytes) -> bool:
    if record.count(b"[") + record.count(b"{") <= NESTING:
        return False
    depth = 0
    for match in _BRACKETS.finditer(record):
        token = match[0]
        if token in b"[{":
            depth += 1
            if depth > NESTING:
                return True
        elif token in b"]}":
            depth -= 1
    return False


def _shallow_value(levels: int) -> bytes:
    """Return a pattern for a string, a number or word, or a container with up to `levels` levels."""
    inner = rb'[^"\[\]{}]++|' + _STRING
    container = rb"[\[{](?:" + inner + rb")*+[\]}]"
    for _ in range(levels - 1):
        container = rb"[\[{](?:" + inner + b"|" + container + rb")*+[\]}]"
    return container + b"|" + _STRING + rb'|[^"\[\]{},\s]++'


# The usual element in one step. It matches no more than the careful way would take. (Python before 3.11.5 forgets
# its place when a possessive group fails after an inner one matched. Here both then want the same closing bracket.)
_ELEMENT = re.compile(rb"[ \t\n\r]*+(" + _shallow_value(4) + rb")[ \t\n\r]*+([,\]])", re.DOTALL)
_BLANKS = re.compile(rb"[ \t\n\r]*+")
_TOKEN = re.compile(rb'["\[\]{},]')
_INNER_TOKEN = re.compile(rb'"|[\[{]++|[\]}]++')  # a gigabyte of brackets is not gone through one by one
_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


def json_members(source: Source) -> Iterator[Batch]:
    """Yield the members (`"key": value`) of the object that a source begins with. Raises Refused as above."""
    return _ContainerReader(source, b"}").batches()


class _ContainerReader:
    """Walks through an array, or an object. `text` is the part of it in memory, `at` where the walk is in it."""

    def __init__(self, source: Source, closing: bytes) -> None:
        self.source = source
        self.closing = closing
        self.text = source.read()
        self.start = source.offset - len(self.text)  # of text[0] in the delivery
        self.at = 1  # past the bracket
        self.number = 0  # of the last element

    def more(self, keep: int) -> bool:
        """Read a block more, forgetting what lies before `keep`. Return whether there was one."""
        self.start += keep
        self.at -= keep
        block = self.source.read()
        self.text = self.text[keep:] + block
        return bool(block)

    def batches(self) -> Iterator[Batch]:
        records: list[Record] = []
        rejected: list[Rejected] = []
        size = 0
        end = b","
        while end == b",":
            self.number += 1
            if found := _ELEMENT.match(self.text, self.at):  # members have a colon: it matches none of them
                element, end = found.groups()
                records.append((self.number, self.start + found.start(1), element))
                self.at = found.end()
                size += len(element)
            else:
                taken, end = self.careful()
                if isinstance(taken, Rejected):
                    rejected.append(taken)
                elif taken:
                    records.append(taken)
                    size += len(taken[2])
            if size + len(rejected) * KEPT_BYTES >= BLOCK_BYTES or len(records) >= BATCH_RECORDS:
                yield Batch(records, rejected)
                records, rejected, size = [], [], 0
        self.nothing_follows()
        yield Batch(records, rejected)

    def careful(self) -> tuple[Record | Rejected | None, bytes]:
        """Return the next element, however long or deep it is (None in an empty array), and what ended it."""
        while (at := _BLANKS.match(self.text, self.at).end()) == len(self.text):  # type: ignore[union-attr]
            self.at = at
            if not self.more(at):
                raise self.refused("it ends too early")
        self.at = at
        begin, place = self.at, self.start + self.at
        depth = deepest = 0
        in_string = False
        long: _Long | None = None
        while True:
            if in_string:
                self.at = _STRING_REST.match(self.text, self.at).end()  # type: ignore[union-attr]
                if self.text.startswith(b'"', self.at):
                    in_string = False
                    self.at += 1
                    continue
            elif found := (_INNER_TOKEN if depth else _TOKEN).search(self.text, self.at):
                token = found[0]
                if depth == 0 and token in b",]}":
                    break
                self.at = found.end()
                if token == b'"':
                    in_string = True
                elif token[:1] in b"[{":
                    depth += len(token)
                    deepest = max(deepest, depth)
                else:
                    self.at = found.start() + min(depth, len(token))
                    depth = max(depth - len(token), 0)
                continue
            else:
                self.at = len(self.text)
            if long or self.at - begin > RECORD_BYTES:
                long = long or _Long(self.number, place)
                long.add(self.text[begin : self.at])
                begin = self.at
            if not self.more(begin):
                what = "a string is not closed" if in_string else "it ends too early"
                raise self.refused(what, place)
            begin = 0
        data = self.text[begin : found.start()]
        self.at = found.end()
        if token not in (b",", self.closing):
            wanted = self.closing.decode()
            raise self.refused(f"{token.decode()} instead of , or {wanted}", self.start + found.start())
        if not long and len(data := data.rstrip(BLANK)) > RECORD_BYTES:
            long = _Long(self.number, place)
        if long:
            long.add(data)
            return long.rejected(), token
        if not data:
            if self.number == 1 and token == self.closing:
                return None, token
            raise self.refused("a value is missing", place)
        record = (self.number, place, data)
        return (reject(record, _DEEP) if deepest > NESTING else record), token

    def nothing_follows(self) -> None:
        while True:
            if rest := self.text[self.at :].lstrip(BLANK):
                place = self.start + len(self.text) - len(rest)
                raise Refused(f"not {self.form()}: text after its end, at byte {place}")
            if not self.more(len(self.text)):
                return
            self.at = 0

    def refused(self, what: str, place: int | None = None) -> Refused:
        where = self.start + self.at if place is None else place
        return Refused(f"not {self.form()}: {what} (element {self.number}, at byte {where})")

    def form(self) -> str:
        return "a JSON array" if self.closing == b"]" else "a JSON object"


def json_fault(data: bytes) -> str | None:
    """Return why a record is not JSON; None if it is, or if it is too long to be judged here.

    Agrees with PostgreSQL's `json`, which has the last word anyway: this one only finds bad lines faster.
    """
    if len(data) > JUDGED_BYTES:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{data[error.start]:02x} at byte {error.start} of the record"
    try:
        # Numbers of any length are fine: they are only looked at.
        json.loads(text, parse_int=float, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos}"
    except ValueError as error:
        return f"not JSON: {error}"
    except RecursionError:
        return None
    return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")

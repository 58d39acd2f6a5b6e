"""Walks through JSON of any length in bounded memory: arrays, objects, and values one after another.

What is JSON is decided by PostgreSQL, when the records are copied: here is only found where a value begins and ends.
For an array that is enough: it is valid when each element is, the elements are separated by single commas, and
nothing follows the closing bracket.
"""

import json
import re
from collections.abc import Iterator

from glue.errors import Refused
from glue.records import (
    BATCH_RECORDS,
    BLANK,
    BLOCK_BYTES,
    JUDGED_BYTES,
    KEPT_BYTES,
    NESTING,
    RECORD_BYTES,
    Batch,
    Long,
    Record,
    Rejected,
    Source,
    reject,
)

TOO_DEEP = f"nested deeper than {NESTING}"
STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BRACKETS = re.compile(rb"[\[{]|[\]}]|" + STRING + b'|"', re.DOTALL)


def too_deep(record: bytes) -> bool:
    """Return whether a record is nested deeper than allowed, whatever else it is."""
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


def extent(text: bytes, at: int) -> int | None:
    """Return where the object, array or string that begins at a place ends; None if it does not."""
    depth = 0
    for match in _BRACKETS.finditer(text, at):
        token = match[0]
        if token in b"[{":
            depth += 1
        elif token in b"]}":
            depth -= 1
        elif token == b'"':
            return None
        if depth <= 0:
            return match.end()
    return None


def _shallow_container(levels: int) -> bytes:
    """Return a pattern for an object or array with up to `levels` levels."""
    inner = rb'[^"\[\]{}]++|' + STRING
    container = rb"[\[{](?:" + inner + rb")*+[\]}]"
    for _ in range(levels - 1):
        container = rb"[\[{](?:" + inner + b"|" + container + rb")*+[\]}]"
    return container


# The usual element in one step. It matches no more than the careful way would take. (Python before 3.11.5 forgets
# its place when a possessive group fails after an inner one matched. Here both then want the same closing bracket.)
_SHALLOW = _shallow_container(4)
_ELEMENT = re.compile(rb"[ \t\n\r]*+(" + _SHALLOW + b"|" + STRING + rb'|[^"\[\]{},\s]++)[ \t\n\r]*+([,\]])', re.DOTALL)
_VALUE = re.compile(_SHALLOW, re.DOTALL)
_KEY = re.compile(rb"[ \t\n\r]*+(" + STRING + rb")[ \t\n\r]*+:[ \t\n\r]*+", re.DOTALL)
_BLANKS = re.compile(rb"[ \t\n\r]*+")
_TOKEN = re.compile(rb'["\[\]{},]')
_INNER_TOKEN = re.compile(rb'"|[\[{]++|[\]}]++')  # a gigabyte of brackets is not gone through one by one
_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


class Walk:
    """A walk through JSON. `text` is the part of it in memory, `at` where the walk is in it."""

    def __init__(self, source: Source, form: str) -> None:
        self.source = source
        self.form = form  # what it should be, for messages
        self.text = source.read()
        self.start = source.offset - len(self.text)  # of text[0] in the delivery
        self.at = 0
        self.number = 0  # of the last element, member or value

    def more(self, keep: int) -> bool:
        """Read a block more, forgetting what lies before `keep`. Return whether there was one."""
        self.start += keep
        self.at -= keep
        block = self.source.read()
        self.text = self.text[keep:] + block
        return bool(block)

    def begins(self, size: int = 1) -> bytes:
        """Go past blanks. Return `size` bytes of what follows, fewer only at the end."""
        while (at := _BLANKS.match(self.text, self.at).end()) == len(self.text):  # type: ignore[union-attr]
            self.at = at
            if not self.more(at):
                return b""
        self.at = at
        while len(self.text) - self.at < size and self.more(self.at):
            pass
        return self.text[self.at : self.at + size]

    def elements(self, closing: bytes = b"]") -> Iterator[Batch]:
        """Yield what lies between a bracket, which the walk has passed, and the closing one. Raises Refused."""
        records: list[Record] = []
        rejected: list[Rejected] = []
        size = 0
        end = b","
        self.number = 0
        while end == b",":
            self.number += 1
            if found := _ELEMENT.match(self.text, self.at):  # members have a colon: it matches none of them
                element, end = found.groups()
                records.append((self.number, self.start + found.start(1), element))
                self.at = found.end()
                size += len(element)
            else:
                taken, end = self.careful(closing)
                if isinstance(taken, Rejected):
                    rejected.append(taken)
                elif taken:
                    records.append(taken)
                    size += len(taken[2])
            if size + len(rejected) * KEPT_BYTES >= BLOCK_BYTES or len(records) >= BATCH_RECORDS:
                yield Batch(records, rejected)
                records, rejected, size = [], [], 0
        yield Batch(records, rejected)

    def values(self) -> Iterator[Batch]:
        """Yield objects that follow one another, with or without blanks between, to the end. Raises Refused."""
        records: list[Record] = []
        rejected: list[Rejected] = []
        size = 0
        while begin := self.begins():
            self.number += 1
            if begin != b"{":
                raise self.refused(f"{shown_byte(begin)} where an object should begin")
            if found := _VALUE.match(self.text, self.at):
                records.append((self.number, self.start + self.at, found[0]))
                self.at = found.end()
                size += len(found[0])
            else:
                taken, _ = self.careful(None)
                assert taken
                if isinstance(taken, Rejected):
                    rejected.append(taken)
                else:
                    records.append(taken)
                    size += len(taken[2])
            if size + len(rejected) * KEPT_BYTES >= BLOCK_BYTES or len(records) >= BATCH_RECORDS:
                yield Batch(records, rejected)
                records, rejected, size = [], [], 0
        yield Batch(records, rejected)

    def key(self) -> bytes | None:
        """Go past the key of a member. Return it as it is written, None if the object ends here. Raises Refused."""
        begin = self.begins(KEPT_BYTES)
        if begin.startswith(b"}"):
            self.at += 1
            return None
        if not (found := _KEY.match(self.text, self.at)):
            raise self.refused("no name where one should be")
        self.at = found.end()
        return found[1]

    def careful(self, closing: bytes | None) -> tuple[Record | Rejected | None, bytes]:
        """Return the next element, however long or deep it is (None in an empty array), and what ended it.

        Without `closing` it is a value on its own, which ends where its last bracket closes.
        """
        if not self.begins():
            raise self.refused("it ends too early")
        begin, place = self.at, self.start + self.at
        depth = deepest = 0
        in_string = False
        long: Long | None = None
        token = b""
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
                    end = found.start()
                    self.at = found.end()
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
                    if closing is None and not depth:
                        end = self.at
                        break
                continue
            else:
                self.at = len(self.text)
            if long or self.at - begin > RECORD_BYTES:
                long = long or Long(self.number, place)
                long.add(self.text[begin : self.at])
                begin = self.at
            if not self.more(begin):
                what = "a string is not closed" if in_string else "it ends too early"
                raise self.refused(what, place)
            begin = 0
        data = self.text[begin:end]
        if closing and token not in (b",", closing):
            wanted = closing.decode()
            raise self.refused(f"{token.decode()} instead of , or {wanted}", self.start + end)
        if not long and len(data := data.rstrip(BLANK)) > RECORD_BYTES:
            long = Long(self.number, place)
        if long:
            long.add(data)
            return long.rejected(), token
        if not data:
            if self.number == 1 and token == closing:
                return None, token
            raise self.refused("a value is missing", place)
        record = (self.number, place, data)
        return (reject(record, TOO_DEEP) if deepest > NESTING else record), token

    def nothing_follows(self) -> None:
        """Raise Refused if anything but blanks follows."""
        if self.begins():
            raise Refused(f"not {self.form}: text after its end, at byte {self.start + self.at}")

    def refused(self, what: str, place: int | None = None) -> Refused:
        """Return the error that something is wrong at a place."""
        where = self.start + self.at if place is None else place
        return Refused(f"not {self.form}: {what} (element {self.number}, at byte {where})")


def json_members(source: Source) -> Iterator[Batch]:
    """Yield the members (`"key": value`) of the object that a source begins with. Raises Refused if it is not whole."""
    walk = Walk(source, "a JSON object")
    walk.at = 1
    yield from walk.elements(b"}")
    walk.nothing_follows()


def shown_byte(data: bytes) -> str:
    """Return a byte as it can be printed."""
    text = data.decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() else f"0x{data.hex()}"


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

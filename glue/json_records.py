"""Splits JSON deliveries into records: an array of them, or one a line.

What is JSON is decided by PostgreSQL, when the records are copied: these splitters only find where a record
begins and ends. For an array that is enough: it is valid when each element is, the elements are separated by
single commas, and nothing follows the closing bracket.
"""

import json
import re
from collections.abc import Iterator
from typing import Literal

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
    lines,
    reject,
)


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
        long: Long | None = None
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
                long = long or Long(self.number, place)
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
            long = Long(self.number, place)
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

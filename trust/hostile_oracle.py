"""What should become of a day's files, decided from their bytes alone. Shares no code with the product.

Written from the design: a strict JSON reader (RFC 8259) that keeps the text of numbers, a CSV reader (RFC 4180)
that goes character by character, times by arithmetic. It is slow and knows nothing of blocks, COPY or SQL.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

BLANK = " \t\r\n"
DEEPEST = 512
LONGEST_ID = 512
# What tells the lines of two reports of an order apart.
SOLD = ("product_id", "quantity", "unit_price", "revenue", "tax", "shipping", "refunded", "currency")
RAW, REFUSED = "raw", "file"  # what is wrong with a record that raw cannot take, and with a file
BROKEN, CONFLICT = "line", "conflict:"  # why an order is rejected whole
# Files of orders of another form: what they are called, the function that maps them, and the field that it takes out.
SHAPED, ROUTINE, SENT = "shaped", "shapes.hostile_sent", "sent"


class NotJson(Exception):
    """The text is no JSON value."""


class Value(NamedTuple):
    """A JSON value: its kind, its text (of a string what it says, of all else what was written), what is in it."""

    kind: str
    text: str
    inside: Any = None


_STRING = re.compile(r'"([^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*)"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ESCAPE = re.compile(r"\\(u([0-9a-fA-F]{4})|.)")
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def read_json(text: str, at: int = 0) -> tuple[Value, int]:
    """Return the value that begins at a place (after blanks), and where it ends. Raises NotJson."""
    at = _skip(text, at)
    begin = at
    opening = text[at : at + 1]
    if opening == '"':
        if not (found := _STRING.match(text, at)):
            raise NotJson(at)
        return Value("string", _unescape(found[1])), found.end()
    if opening in ("{", "["):
        kind, closing = ("object", "}") if opening == "{" else ("array", "]")
        inside: list[Any] = []
        at = _skip(text, at + 1)
        while text[at : at + 1] != closing or inside:
            if kind == "object":
                key, at = read_json(text, at)
                at = _skip(text, at)
                if key.kind != "string" or text[at : at + 1] != ":":
                    raise NotJson(at)
                value, at = read_json(text, at + 1)
                inside.append((key.text, value))
            else:
                value, at = read_json(text, at)
                inside.append(value)
            at = _skip(text, at)
            if text[at : at + 1] == closing:
                break
            if text[at : at + 1] != ",":
                raise NotJson(at)
            at += 1
        return Value(kind, text[begin : at + 1], inside), at + 1
    for word in ("true", "false", "null"):
        if text.startswith(word, at):
            return Value(word, word), at + len(word)
    if not (found := _NUMBER.match(text, at)):
        raise NotJson(at)
    return Value("number", found[0]), found.end()


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in BLANK:
        at += 1
    return at


def _unescape(body: str) -> str:
    if "\\" not in body:
        return body
    units = _ESCAPE.sub(lambda found: chr(int(found[2], 16)) if found[2] else _SHORT.get(found[1], found[1]), body)
    # Two escapes may be the halves of one character.
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _depth(text: str) -> int:
    """Return how deep brackets are nested, whatever else the text is."""
    depth = deepest = 0
    in_string = escaped = False
    for sign in text:
        if in_string:
            in_string = escaped or sign != '"'
            escaped = sign == "\\" and not escaped
        elif sign == '"':
            in_string = True
        elif sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest


def _storable(value: Value) -> bool:
    """Return whether every string in a value, of overwritten members too, can be a text of PostgreSQL."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        strings = [value.text] if value.kind == "string" else []
        if value.kind == "object":
            strings += [key for key, _ in value.inside]
            waiting += [inner for _, inner in value.inside]
        elif value.kind == "array":
            waiting += value.inside
        if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for text in strings for sign in text):
            return False
    return True


# -- what is in a file -----------------------------------------------------------------------------------


class Taken(NamedTuple):
    """A record that raw takes: its number, and the text of a JSON record or the fields of an event."""

    number: int
    content: Any


class Rejected(NamedTuple):
    """A record that raw rejects: its number, where it begins, its length and hash."""

    number: int
    offset: int
    byte_count: int
    sha256: str


@dataclass
class File:
    """What a file holds; nothing if it is refused as a whole."""

    refused: bool = False
    taken: list[Taken] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    not_utf8: list[bytes] = field(default_factory=list)  # of those rejected
    first: bytes = b""  # that was rejected

    def reject(self, number: int, offset: int, data: bytes, *, is_text_fault: bool = True) -> None:
        self.first = data if not self.rejected else self.first
        self.rejected.append(Rejected(number, offset, len(data), hashlib.sha256(data).hexdigest()))
        if is_text_fault and _text(data) is None:
            self.not_utf8.append(data)


BOM = b"\xef\xbb\xbf"
# What the first record of a list in an object has the most of, if it is ours.
REQUIRED = {"orders": ("order_id", "timestamp", "status"), "products": ("product_id",)}
LISTS = ("orders", "products", "data", "results", "items")  # of those that are taken, the ones that are delivered here


def json_file(source: str, data: bytes) -> File:
    """Return what a delivery of orders or products holds."""
    file = _json_file(source, data)
    return File(refused=True) if _is_bad(file, is_json=True) else file


def _json_file(source: str, data: bytes) -> File:
    data = from_utf16(data)
    content = data.removeprefix(BOM)
    start = len(data) - len(content)
    if not content.strip(BLANK.encode()) or content.startswith(BOM):
        return File(refused=True)
    if content.lstrip(BLANK.encode()).startswith(b"["):
        return _json_array(content, start)
    text = _text(content)
    if text is not None and text.startswith('{"page": 1, '):
        return _json_document(source, text, start)
    return (_json_values(content, start) if content.startswith(b"{") else None) or _json_lines(content, start)


def from_utf16(data: bytes) -> bytes:
    """Return a file as UTF-8 if it begins with the mark of UTF-16."""
    return data.decode("utf-16").encode() if data.startswith((b"\xff\xfe", b"\xfe\xff")) else data


def _json_document(source: str, text: str, start: int) -> File:
    """Return what the list in an object holds: here `{"page": 1, "orders": [...]}`."""
    try:
        whole, end = read_json(text)
    except NotJson:
        return File(refused=True)
    lists = [value for name, value in whole.inside if name in LISTS and value.kind == "array"]
    if len(lists) != 1 or _skip(text, end) != len(text):
        return File(refused=True)
    first = lists[0].inside[0] if lists[0].inside else None
    names = {name for name, _ in first.inside} if first and first.kind == "object" else set()
    if first and 2 * len(names.intersection(REQUIRED[source])) <= len(REQUIRED[source]):
        return File(refused=True)
    return _json_array(lists[0].text.encode(), start + len(text[: text.index(lists[0].text)].encode()))


def _json_values(content: bytes, start: int) -> File | None:
    """Return what objects hold that follow one another; None if these are lines."""
    blanks = BLANK.encode()
    line = content.split(b"\n")[0]
    end = _bracket_end(content, 0)
    after = content[end:].lstrip(blanks) if end else b""
    if end and b"\n" not in content[:end]:
        is_lines = not after.startswith(b"{") or not content[end:].split(b"\n")[0].strip(blanks)
    else:
        is_lines = line == content or not line.rstrip(blanks).endswith((b"{", b"[", b",", b":"))
        is_lines = is_lines or content[1:].lstrip(blanks)[:1] not in (b'"', b"}")
        is_lines = is_lines or (after != b"" and not after.startswith(b"{"))
    if is_lines:
        return None
    file, at, number = File(), 0, 0
    while at < len(content):
        number += 1
        end = _bracket_end(content, at) if content.startswith(b"{", at) else None
        if end is None:
            return File(refused=True)
        record = content[at:end]
        text = _text(record)
        if text is None or _depth(text) > DEEPEST or not _is_json(text):
            file.reject(number, start + at, record)
        else:
            file.taken.append(Taken(number, text))
        at = end + len(content[end:]) - len(content[end:].lstrip(BLANK.encode()))
    return file


def _bracket_end(content: bytes, at: int) -> int | None:
    """Return where the brackets that open at a place are closed again."""
    depth, in_string, escaped = 0, False, False
    for place in range(at, len(content)):
        sign = content[place : place + 1]
        if in_string:
            in_string = escaped or sign != b'"'
            escaped = sign == b"\\" and not escaped
        elif sign == b'"':
            in_string = True
        elif sign in b"[{":
            depth += 1
        elif sign in b"]}":
            depth -= 1
            if depth == 0:
                return place + 1
    return None


LETTERS = {*range(0xC0, 0xFE)} - {0xD0, 0xD7, 0xDE, 0xF0, 0xF7}
NO_TEXT = {
    0x81,
    0x83,
    *range(0x86, 0x91),
    0x95,
    0x98,
    0x9D,
    0x9E,
    0xA4,
    0xA6,
    0xAC,
    0xAD,
    0xAF,
    0xD0,
    0xD7,
    0xDE,
    0xF0,
    0xF7,
}
NO_TEXT |= {0xFE, 0xFF}


_JSON_BEGIN = re.compile(rb'[{\["\-0-9]|(true|false|null)(?![A-Za-z0-9_])')


def _is_bad(file: File, *, is_json: bool) -> bool:
    """Return whether a file is refused because of all its records: none is read, or they read well as Windows-1252.

    None of several is read, or the only one is some text that does not even begin as JSON.
    """
    is_no_json = is_json and len(file.first) >= 8 and not _JSON_BEGIN.match(file.first.lstrip(BLANK.encode()))
    if not file.taken and (len(file.rejected) >= 3 or (file.rejected and is_no_json)):
        return True
    found = 0
    for one in file.not_utf8:
        record = one[: 64 << 10]
        near = any(
            byte in LETTERS and any(chr(other).isalpha() for other in record[max(0, at - 1) : at + 2] if other < 128)
            for at, byte in enumerate(record)
        )
        is_fine = near and not any(byte in NO_TEXT for byte in record)
        if is_fine and is_json:
            text = record.decode("cp1252", "replace")
            is_fine = text.startswith("{") and text.endswith("}") and _is_json(text)
        found += is_fine
    records = len(file.taken) + len(file.rejected)
    texts = (one.content if is_json else "".join(one.content.values()) for one in file.taken)
    has_utf8 = any(not text.isascii() for text in texts)
    return not has_utf8 and ((found >= 2 and found * 100 >= records) or found * 2 > records)


def _json_lines(content: bytes, start: int) -> File:
    file = File()
    offset = start
    for number, line in enumerate(content.split(b"\n"), 1):
        record = line.removesuffix(b"\r")
        if line.strip(BLANK.encode()):
            text = _text(record)
            if text is None or _depth(record.decode("utf-8", "replace")) > DEEPEST or not _is_json(text):
                file.reject(number, offset, record)
            else:
                file.taken.append(Taken(number, text))
        offset += len(line) + 1
    return file


def _json_array(content: bytes, start: int) -> File:
    file = File()
    text = _text(content)
    if text is None:
        return File(refused=True)
    at = _skip(text, 0) + 1
    number = 0
    while True:
        at = _skip(text, at)
        if number == 0 and text[at : at + 1] == "]":
            break
        number += 1
        try:
            end = _end_if_deep(text, at) or read_json(text, at)[1]
        except NotJson:
            return File(refused=True)
        element = text[at:end]
        if _depth(element) > DEEPEST:
            file.reject(number, start + len(text[:at].encode()), element.encode())
        else:
            file.taken.append(Taken(number, element))
        at = _skip(text, end)
        if text[at : at + 1] == "]":
            break
        if text[at : at + 1] != ",":
            return File(refused=True)
        at += 1
    return file if _skip(text, at + 1) == len(text) else File(refused=True)


def _end_if_deep(text: str, at: int) -> int | None:
    """Return where an element ends that is nested too deep to be looked into; None if it is not."""
    depth = deepest = 0
    in_string = escaped = False
    for place in range(at, len(text)):
        sign = text[place]
        if in_string:
            in_string = escaped or sign != '"'
            escaped = sign == "\\" and not escaped
        elif sign == '"':
            in_string = True
        elif sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
            if depth <= 0:
                return place + 1 if deepest > DEEPEST else None
        elif depth == 0:
            return None
    if deepest > DEEPEST:
        raise NotJson(at)
    return None


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _is_json(text: str) -> bool:
    try:
        return _skip(text, read_json(text)[1]) == len(text)
    except NotJson:
        return False


def csv_file(data: bytes) -> tuple[list[str], File]:
    """Return the columns of a delivery of events, and what it holds: of each event its fields by name."""
    data = from_utf16(data)
    content = data.removeprefix(BOM)
    start = len(data) - len(content)
    if b"\n" not in content[: 1 << 20] and b"\r" in content:
        content = content.replace(b"\r", b"\n")
    at = 0
    while (line := content[at:].split(b"\n")[0]) != content[at:] and not line.strip(b" \t\r"):
        at += len(line) + 1
    delimiter = b","
    if line.lower().startswith(b"sep="):
        delimiter, at = line[4:5], at + len(line) + 1
    else:
        # The separator with which most of our columns are there; of several the one with the most columns.
        delimiter = max((b",", b";", b"\t", b"|"), key=lambda sign: _likelihood(content, at, sign))
    header, end = _csv_record(content, at, delimiter) if content.strip() else (None, 0)
    text = None if header is None else _text(b",".join(header))
    if header is None or text is None or "\0" in text:
        return [], File(refused=True)
    columns = [name.decode().strip() for name in header]
    for own in ("event_id", "event_type", "event_ts", "user_id", "product_id"):
        alike = [place for place, name in enumerate(columns) if lower(name) == own]
        if own not in columns and len(alike) == 1:
            columns[alike[0]] = own
    unnamed = [place for place, name in enumerate(columns) if not name]
    for place in unnamed[1:]:
        columns[place] = f"column {place + 1}"
    if not {"event_id", "event_type", "event_ts"} <= set(columns) or len(set(columns)) < len(columns):
        return [], File(refused=True)
    nameless = {columns[place] for place in unnamed}
    file = File()
    number = 1 + content.count(b"\n", 0, end)
    at = end
    while at < len(content):
        if not (line := content[at:].split(b"\n")[0]).strip(b"\r") and b"\n" in content[at:]:
            at, number = at + len(line) + 1, number + 1
            continue
        fields, end = _csv_record(content, at, delimiter)
        while fields is not None and len(fields) > len(columns) and not fields[-1]:
            fields.pop()
        if fields is None or len(fields) != len(columns):
            end = content.find(b"\n", at) + 1 or len(content)
            file.reject(number, start + at, content[at:end].removesuffix(b"\n").rstrip(b"\r"), is_text_fault=False)
        else:
            record = content[at:end].removesuffix(b"\n").rstrip(b"\r")
            if _text(record) is None or b"\0" in record:
                file.reject(number, start + at, record)
            else:
                values = {name: value.decode() for name, value in zip(columns, fields, strict=True)}
                file.taken.append(Taken(number, {n: v for n, v in values.items() if v or n not in nameless}))
        number += content.count(b"\n", at, end)
        at = end
    return columns, File(refused=True) if _is_bad(file, is_json=False) else file


def _likelihood(content: bytes, at: int, delimiter: bytes) -> tuple[int, int]:
    header = _csv_record(content, at, delimiter)[0] or []
    names = {lower(name.decode("utf-8", "replace").strip()) for name in header}
    return len(names & {"event_id", "event_type", "event_ts"}), len(header)


def _csv_record(data: bytes, at: int, delimiter: bytes = b",") -> tuple[list[bytes] | None, int]:
    """Return the fields of the record at a place, and where it ends; None if it does not parse."""
    fields: list[bytes] = []
    value = bytearray()
    state = "begin"
    while True:
        sign = data[at : at + 1]
        if state == "quoted":
            if not sign:
                return None, at
            if sign != b'"':
                value += sign
            elif data[at + 1 : at + 2] == b'"':
                value += sign
                at += 1
            else:
                state = "closed"
        elif sign in (delimiter, b"", b"\n", b"\r"):
            returns = 0
            while data[at + returns : at + returns + 1] == b"\r":
                returns += 1
            if returns and data[at + returns : at + returns + 1] != b"\n":
                return None, at
            fields.append(bytes(value))
            value.clear()
            if sign != delimiter:
                return fields, at + returns + (1 if sign else 0)
            state = "begin"
        elif state == "closed" or (sign == b'"' and state == "bare"):
            return None, at
        elif sign == b'"':
            state = "quoted"
        else:
            state = "bare"
            value += sign
        at += 1


# -- what the values mean --------------------------------------------------------------------------------


# Blanks of Unicode, and what has no width, no sight or only a direction.
_UNSEEN = {9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x1680, 0x17B4, 0x17B5, 0x180E,
           *range(0x2000, 0x2010), *range(0x2028, 0x2030), *range(0x205F, 0x2070), 0x3000, 0x3164, 0xFEFF,
           0xFFA0}  # fmt: skip


def trimmed(text: str | None) -> str | None:
    """Return a text without blanks around it; None if nothing is left."""
    signs = list(text or "")
    while signs and ord(signs[0]) in _UNSEEN:
        del signs[0]
    while signs and ord(signs[-1]) in _UNSEEN:
        del signs[-1]
    return "".join(signs) or None


def lower(text: str) -> str:
    """Return a text with the letters A to Z in lower case, and no others."""
    return "".join(chr(ord(sign) + 32) if "A" <= sign <= "Z" else sign for sign in text)


_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")


def number(text: str | None) -> Decimal | None:
    """Return the number that a text is, None if it is none."""
    if text is None or len(text) > 40 or not _DECIMAL.fullmatch(text):
        return None
    return Decimal(text)


_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(?: ?(?:([Zz]|UTC)|([+-])([0-9]{2})(?::?([0-9]{2}))?))?)?"
)
SECONDS_OF_A_DAY = 86_400
MICROSECONDS_OF_A_DAY = SECONDS_OF_A_DAY * 1_000_000


def moment(text: str | None) -> int | None:
    """Return microseconds since the beginning of the year 1 in UTC (before it: negative); None if it is no time."""
    found = _TIME.fullmatch(text) if text else None
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    off_hours, off_minutes = int(found[10] or 0), int(found[11] or 0)
    if hour > 23 or minute > 59 or second > 59 or off_hours > 14 or off_minutes > 59:
        return None
    try:
        days = date(year, month, day).toordinal() - 1
    except ValueError:
        return None
    offset = (off_hours * 3600 + off_minutes * 60) * (-1 if found[9] == "-" else 1)
    seconds = days * SECONDS_OF_A_DAY + hour * 3600 + minute * 60 + second - offset
    return seconds * 1_000_000 + int(((found[7] or "") + "000000")[:6])


def name_order(name: str) -> list[tuple[int, int]]:
    """Return what orders names: their bytes, and runs of digits as numbers in the place of the digit 0."""
    parts = re.findall(rb"[0-9]+|[^0-9]", name.encode())
    return [(ord("0"), int(part)) if part.isdigit() else (part[0], 0) for part in parts]


def day_of(time: int) -> int:
    """Return the day of a moment, counted from the first day of the year 1."""
    return time // (SECONDS_OF_A_DAY * 1_000_000)


@dataclass
class Expected:
    """What cleaning should make of a source's files. A place is (file, record, item or 0)."""

    files: dict[str, File] = field(default_factory=dict)
    clean: dict[Any, dict[str, Any]] = field(default_factory=dict)  # by key
    rejected: dict[tuple[str, int, int], frozenset[str]] = field(default_factory=dict)  # what of it is wrong, by place
    duplicates: int = 0


class _Line(NamedTuple):
    key: Any  # of the report that it belongs to; None if that cannot be told
    place: tuple[str, int, int]
    faults: frozenset[str]
    values: dict[str, Any]


def _fallen(lines: list[_Line]) -> dict[tuple[str, int], str]:
    """Return why reports of orders are rejected whole: a line is bad, or other reports of the file contradict it."""
    reports: dict[tuple[str, int], list[_Line]] = {}
    for line in lines:
        reports.setdefault(line.place[:2], []).append(line)
    falls = {}
    groups: dict[tuple[str, Any], list[tuple[str, int]]] = {}
    for place, report in reports.items():
        if 0 < sum(bool(line.faults) for line in report) < len(report):
            falls[place] = BROKEN
        if report[0].key is not None:
            groups.setdefault((place[0], report[0].key), []).append(place)
    for places in groups.values():
        customers, said = set(), {}
        for place in places:
            clean = [line.values for line in reports[place] if not line.faults]
            if not clean:
                continue
            customers |= {clean[0]["user_id"]} - {None}
            sold = sorted(repr([line.get(name) for name in SOLD]) for line in clean)
            version = tuple(clean[0][name] for name in ("order_ts", "status", "source_updated_at"))
            said.setdefault(version, []).append((len(reports[place]), sold))
        if len(customers) > 1 or any(one != same[0] for same in said.values() for one in same):
            falls |= dict.fromkeys(places, CONFLICT)
    return falls


class Day:
    """The rules of a day."""

    def __init__(
        self, day: date, codes: Mapping[tuple[str, str], str], null_markers: Collection[str], oldest_days: int = 400
    ) -> None:
        self.last = day.toordinal() - 1
        self.first = self.last - oldest_days
        self.codes = codes
        self.null_markers = null_markers

    def _some(self, text: str | None) -> str | None:
        """Return a text; None if it is a null marker."""
        return None if text is not None and lower(text) in self.null_markers else text

    def _id(self, line: "_Members", name: str) -> str | None:
        return None if line.is_nested(name) else self._some(line.text(name))

    def _id_faults(self, line: "_Members", name: str, *, needed: bool = False) -> set[str]:
        return line.id_faults(name, needed=needed) | ({name} if needed and self._id(line, name) is None else set())

    def orders(self, files: Mapping[str, bytes]) -> Expected:
        return self._expected(
            {name: json_file("orders", data) for name, data in files.items()},
            self._order,
            "line_number",
            sent=self._sent,
        )

    def events(self, files: Mapping[str, bytes]) -> Expected:
        return self._expected({name: csv_file(data)[1] for name, data in files.items()}, self._event)

    def products(self, files: Mapping[str, bytes]) -> Expected:
        return self._expected({name: json_file("products", data) for name, data in files.items()}, self._product)

    def _expected(
        self,
        files: dict[str, File],
        read: Callable[..., Iterator[Any]],
        *more: str,
        sent: Callable[..., Iterator[Any]] | None = None,
    ) -> Expected:
        made = Expected(files)
        lines: list[_Line] = []
        for name, file in sorted(files.items(), key=lambda item: name_order(item[0])):
            if file.refused:
                made.rejected[(name, 0, 0)] = frozenset([REFUSED])
            made.rejected |= {(name, one.number, 0): frozenset([RAW]) for one in file.rejected}
            read_one = sent if sent and name.startswith(SHAPED) else read
            for record, content in file.taken:
                for item, key, faults, values in read_one(content):
                    lines.append(_Line(key, (name, record, item), frozenset(faults), values))
        # The last report of a key wins, whole: of an order the one that its source changed last.
        last: dict[Any, tuple[int, tuple[str, int]]] = {}
        for line in lines:
            version = line.values.get("source_updated_at")
            version = (self.last + 1) * MICROSECONDS_OF_A_DAY if version is None else version
            if line.key not in last or version >= last[line.key][0]:
                last[line.key] = version, line.place[:2]
        falls = _fallen(lines) if more else {}
        for line in lines:
            fall = falls.get(line.place[:2])
            if fall != CONFLICT and line.key is not None and last[line.key][1] != line.place[:2]:
                made.duplicates += 1
            elif line.faults or fall:
                shared = {fall} if fall and (fall == CONFLICT or not line.faults) else set()
                made.rejected[line.place] = line.faults | shared
            else:
                made.clean[(line.key, *(line.values[name] for name in more))] = line.values
        return made

    def _time_faults(self, name: str, text: str | None) -> set[str]:
        time = moment(text)
        return set() if time is not None and self.first <= day_of(time) <= self.last else {name}

    def _order(self, text: str) -> Iterator[tuple[int, str | None, set[str], dict[str, Any]]]:
        value, _ = read_json(text)
        if value.kind != "object" or not _storable(value):
            yield 1, None, {"record"}, {}
            return
        order = _Members(value)
        user = order.value("user")
        person = _Members(user) if user and user.kind == "object" else _Members(None)
        faults = self._id_faults(order, "order_id", needed=True) | self._id_faults(order, "user_id")
        faults |= self._time_faults("timestamp", order.text("timestamp"))
        status = self.codes.get(("order_status", lower(order.text("status") or "")))
        if not status:
            faults.add("status")
        # What only describes the customer is left empty if nobody can read it.
        said: dict[str, str | None] = {}
        emptied = []
        for name in ("city", "signup_date", "marketing_source"):
            about = person if person.value(name) else order
            said[name] = self._some(about.text(name))
            no_date = said[name] is not None and moment(said[name]) is None
            if no_date if name == "signup_date" else about.is_nested(name):
                said[name] = None
                emptied.append(name)
        if user and user.kind != "object":
            emptied.append("user")
        signup = said["signup_date"]
        updated = moment(order.text("updated_at"))
        if order.text("updated_at") is not None and (
            updated is None or updated > (self.last + 2) * MICROSECONDS_OF_A_DAY
        ):
            faults.add("updated_at")
            updated = None
        order_id = self._some(order.text("order_id"))
        key = order_id if order_id and len(order_id.encode()) <= LONGEST_ID else None
        known = {
            "order_id": order_id, "user_id": self._some(order.text("user_id")), "status": status,
            "order_ts": moment(order.text("timestamp")), "city": said["city"], "emptied": emptied or None,
            "signup_date": None if moment(signup) is None else day_of(moment(signup) or 0),
            "marketing_source": said["marketing_source"], "source_updated_at": updated,
        }  # fmt: skip
        items = order.value("items")
        money = _Money(order, items)
        faults |= money.faults
        known["currency"] = money.currency
        if items and (items.kind != "array" or not items.inside):
            yield 1, key, faults | {"items"}, known
            return
        for place, item in enumerate(items.inside if items else [value], 1):
            if item.kind != "object":
                yield place, key, faults | {"item"}, known
                continue
            line = _Members(item)
            wrong = self._id_faults(line, "product_id", needed=True)
            quantity = number(line.text("quantity"))
            if quantity is None or not 0 < quantity <= 2147483647:
                wrong.add("quantity")
            amounts = money.of_line(line, place, wrong)
            values = dict(known)
            if not wrong and not faults:
                values |= {"line_number": place, "product_id": line.text("product_id"), "quantity": quantity, **amounts}
            yield place, key, faults | wrong, values

    def _sent(self, text: str) -> Iterator[tuple[int, str | None, set[str], dict[str, Any]]]:
        """Read a record of another form. What its function fails for, or makes no object of, is rejected for that."""
        value, _ = read_json(text)
        sent = dict(value.inside).get(SENT) if value.kind == "object" else None
        if sent is None or sent.kind != "object" or not _storable(value):
            yield 1, None, {ROUTINE}, {}
        else:
            yield from self._order(sent.text)

    def _event(self, fields: Mapping[str, str]) -> Iterator[tuple[int, Any, set[str], dict[str, Any]]]:
        names = ("event_id", "user_id", "product_id", "event_type", "event_ts")
        event = {name: trimmed(fields.get(name)) for name in names}
        event |= {name: self._some(event[name]) for name in names[:3]}
        faults = {name for name in ("event_id", "event_type") if event[name] is None}
        faults |= {name for name in names[:3] if len((event[name] or "").encode()) > LONGEST_ID}
        faults |= self._time_faults("event_ts", event["event_ts"])
        time = moment(event["event_ts"])
        code = lower(event["event_type"] or "")
        values: dict[str, Any] = {**event, "event_ts": time}
        values["event_type"] = self.codes.get(("event_type", code), code)
        key = (event["event_id"], time)
        yield 0, None if event["event_id"] is None or time is None or "event_id" in faults else key, faults, values

    def _product(self, text: str) -> Iterator[tuple[int, str | None, set[str], dict[str, Any]]]:
        value, _ = read_json(text)
        if value.kind != "object" or not _storable(value):
            yield 0, None, {"record"}, {}
            return
        product = _Members(value)
        faults = self._id_faults(product, "product_id", needed=True)
        faults |= {name for name in ("product_name", "category", "brand") if product.is_nested(name)}
        price_text = self._some(product.text("current_price"))
        price = number(price_text)
        if price_text is not None and (price is None or not 0 <= price < Decimal("1e15")):
            faults.add("current_price")
        values = {name: self._some(product.text(name)) for name in ("product_id", "product_name", "category", "brand")}
        product_id = values["product_id"]
        key = product_id if product_id and len(product_id.encode()) <= LONGEST_ID else None
        yield 0, key, faults, values | {"current_price": price}


class _Money:
    """What an order says of money, and what is due of it to each of its lines."""

    SHARED = ("discount", "tax", "shipping", "refunded")

    def __init__(self, order: "_Members", items: Value | None) -> None:
        self.is_flat = items is None
        self.order = order
        self.faults: set[str] = set()
        for name in self.SHARED[2:] if self.is_flat else self.SHARED:
            if not self.faults and _is_no_amount(order.text(name)):
                self.faults.add(name)
        named = order.text("currency")
        self.currency = named and "".join(chr(ord(sign) - 32) if "a" <= sign <= "z" else sign for sign in named)
        if self.currency and not re.fullmatch("[A-Z0-9_-]{1,20}", self.currency):
            self.faults.add("currency")
        self.places = {"JPY": 0, "KWD": 3}.get(self.currency or "", 2)
        lines = items.inside if items and items.kind == "array" else []
        left = [_left(_Members(line)) if line.kind == "object" else Fraction(0) for line in lines]
        self.due = {
            name: self._divided(Fraction(whole), _decimals(whole), left if any(left) else [Fraction(1)] * len(left))
            for name in self.SHARED
            if lines and (whole := number(order.text(name))) is not None
        }

    def _divided(self, whole: Fraction, decimals: int, left: list[Fraction]) -> list[Fraction]:
        """Divide an amount: what is cut off of each is given to those of whom most was cut off."""
        part = Fraction(1, 10 ** max(self.places, decimals))
        exact = [whole * one / sum(left) for one in left]
        cut = [share // part * part for share in exact]
        order = sorted(range(len(cut)), key=lambda place: cut[place] - exact[place])  # keeps the order of equals
        for place in order[: int((whole - sum(cut)) / part)]:
            cut[place] += part
        return cut

    def of_line(self, line: "_Members", place: int, wrong: set[str]) -> dict[str, Any]:
        """Return the amounts of a line, and add to what is wrong with it."""
        total, price = number(line.text("line_total")), number(line.text("price"))
        if line.text("line_total") is None and (line.text("price") is None or _is_no_amount(line.text("price"))):
            wrong.add("price")
        wrong |= {name for name in ("line_total", "discount", "tax") if _is_no_amount(line.text(name))}
        values: dict[str, Any] = dict.fromkeys(self.SHARED)
        for name in self.SHARED:
            own = number((line if name in ("discount", "tax") else self.order if self.is_flat else _NOTHING).text(name))
            parts = [
                Fraction(one)
                for one in (own, self.due[name][place - 1] if name in self.due else None)
                if one is not None
            ]
            values[name] = sum(parts) if parts else None
        cost, taken_off = _cost(line), values["discount"] or 0
        if cost is not None and taken_off > abs(cost):
            # A whole cent may be due from what has less than one left; no other share is above what it is of.
            left = Fraction(cost) - Fraction(number(line.text("discount")) or 0)
            is_rounded = "discount" in self.due and (left * 10**self.places).denominator != 1
            if not is_rounded or taken_off - Fraction(1, 10**self.places) >= abs(cost):
                wrong.add("discounts")
        if not wrong and cost is not None:
            values["revenue"] = cost - taken_off
            values["unit_price"] = price
            if total is not None:
                smallest = Fraction(1, 10 ** max(6, _decimals_written(total)))
                pieces = Fraction(number(line.text("quantity")) or 1)
                values["unit_price"] = (cost / pieces + smallest / 2) // smallest * smallest
            values["revenue_in_currency"] = None if self.currency is None else values["revenue"]
        return values


def _is_no_amount(text: str | None) -> bool:
    found = number(text)
    return text is not None and (found is None or not 0 <= found < 10**15)


def _cost(line: "_Members") -> Fraction | None:
    total, pieces, price = (number(line.text(name)) for name in ("line_total", "quantity", "price"))
    if total is not None:
        return Fraction(total)
    return None if pieces is None or price is None else Fraction(pieces) * Fraction(price)


def _left(line: "_Members") -> Fraction:
    """Return what a line costs without its own discount, as far as that can be said."""
    return max(Fraction(0), (_cost(line) or Fraction(0)) - Fraction(number(line.text("discount")) or 0))


def _decimals_written(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))


def _decimals(value: Decimal) -> int:
    """Return how many decimals a number has without zeros at its end."""
    decimals = _decimals_written(value)
    while decimals and (Fraction(value) * 10 ** (decimals - 1)).denominator == 1:
        decimals -= 1
    return decimals


class _Members:
    """The members of an object; of those that are there twice the last one, and none that are null."""

    def __init__(self, value: Value | None) -> None:
        found: dict[str, Value] = dict(value.inside) if value else {}
        self._found = {name: inner for name, inner in found.items() if inner.kind != "null"}

    def value(self, name: str) -> Value | None:
        return self._found.get(name)

    def text(self, name: str) -> str | None:
        value = self._found.get(name)
        return trimmed(value.text) if value else None

    def is_nested(self, name: str) -> bool:
        value = self._found.get(name)
        return value is not None and value.kind in ("object", "array")

    def id_faults(self, name: str, *, needed: bool = False) -> set[str]:
        text = self.text(name)
        is_bad = needed if text is None else len(text.encode()) > LONGEST_ID or self.is_nested(name)
        return {name} if is_bad else set()


_NOTHING = _Members(None)

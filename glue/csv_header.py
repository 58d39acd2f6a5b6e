"""Reads the beginning of a CSV delivery: what separates its fields, and what its columns are called."""

import re
from dataclasses import dataclass
from functools import cached_property

from glue.errors import Refused
from glue.formats import WINDOWS, Form, looks_like_windows

COLUMNS = ("event_id", "user_id", "product_id", "event_type", "event_ts")
# Of a file in our own form: the fields that it must have, and those that it may have.
REQUIRED = {
    "orders": ("order_id", "timestamp", "status", "product_id", "quantity", "price"),
    "events": ("event_id", "event_type", "event_ts"),
    "products": ("product_id",),
}
OPTIONAL = {
    "orders": ("user_id", "city", "signup_date", "marketing_source"),
    "events": ("user_id", "product_id"),
    "products": ("product_name", "category", "brand", "current_price"),
}
MOST_COLUMNS = 1600  # as many as PostgreSQL allows in a table
DELIMITERS = (",", ";", "\t", "|")
DELIMITER_WORDS = {",": "a comma", ";": ";", "\t": "a tab", "|": "|"}
LINES_LOOKED_AT = 10  # for a header that is not where it should be

_SEPARATOR = re.compile(rb'"?sep=([^\r\n"])"?\r*+\n', re.IGNORECASE)
_BLANK_LINES = re.compile(rb"(?:[ \t]*+\r*+\n)++")
_JSON = re.compile(rb'\{\s*["}]|\[\s*[\[{"\]]')
_END = re.compile(rb"\r*+\n|\Z")


class Mistake(Exception):
    """A record does not parse; the message says why."""


class Unclosed(Mistake):
    """A quoted field goes on past the end of the bytes at hand."""


class HeaderUnclosed(Refused):
    """The header does, too: more of the file may close it."""


@dataclass(frozen=True)
class Dialect:
    """How fields are separated and quoted: a byte each; `quote` is empty where nothing is quoted."""

    delimiter: bytes = b","
    quote: bytes = b'"'
    escape: bytes = b'"'  # the quote itself: a quote in a field is written twice

    @property
    def is_usual(self) -> bool:
        """Whether COPY reads quotes as we do."""
        return self.quote == self.escape == b'"'

    @cached_property
    def bare(self) -> bytes:
        """A pattern of a field without quotes."""
        return rb"[^%s\r\n]*+" % re.escape(self.delimiter + self.quote)

    @cached_property
    def inside(self) -> bytes:
        """A pattern of what stands between quotes."""
        quote, escape = re.escape(self.quote), re.escape(self.escape)
        if not quote:
            return b"(?!)"
        if self.quote == self.escape:
            return rb"(?:[^%s]++|%s)*+" % (quote, quote * 2)
        return rb"(?:[^%s%s]++|%s[\s\S]|%s)*+" % (quote, escape, escape, quote * 2)

    def unquoted(self, data: bytes) -> bytes:
        """Return what a quoted field says."""
        if self.quote != self.escape and self.escape in data:
            return re.sub(re.escape(self.escape) + rb"([\s\S])|" + re.escape(self.quote) * 2, self._one, data)
        return data.replace(self.quote * 2, self.quote)

    def _one(self, found: re.Match[bytes]) -> bytes:
        return self.quote if found[1] is None else {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(found[1], found[1])

    def fields(self, data: bytes, at: int) -> tuple[list[bytes], int]:
        """Return the fields of the record at `at`, and where it ends. Raises Mistake."""
        quote = re.escape(self.quote)
        quoted, bare = re.compile(quote + b"(" + self.inside + b")" + quote), re.compile(self.bare)
        fields: list[bytes] = []
        while True:
            field = len(fields) + 1
            if self.quote and data.startswith(self.quote, at):
                found = quoted.match(data, at)
                if not found:
                    raise Unclosed(f"a quote is not closed (field {field})")
                fields.append(self.unquoted(found[1]))
                # What looks closed lines later is the next record's opening quote.
                mistake = "a quote is not closed" if b"\n" in found[0] else "text after a closing quote"
            else:
                found = bare.match(data, at)
                assert found  # it matches nothing, too
                fields.append(found[0])
                mistake = "a quote in a field that does not begin with one"
            at = found.end()
            if data.startswith(self.delimiter, at):
                at += 1
            elif end := _END.match(data, at):
                return fields, end.end()
            elif data.startswith(b"\r", at):
                raise Mistake(f"a carriage return outside quotes (field {field})")
            else:
                raise Mistake(f"{mistake} (field {field})")


@dataclass(frozen=True)
class Header:
    """The columns of a CSV file, in their order, and its dialect; `end` is where its records begin in the bytes."""

    columns: list[str]
    unnamed: frozenset[int]  # the places of those to which the file gives no name
    dialect: Dialect
    end: int


def read_header(data: bytes, of: str, form: Form) -> Header | None:
    """Return the header of a file of a source that begins with these lines; None if they are all blank.

    Raises Refused when it will not do.
    """
    at, told = 0, form.delimiter
    while True:
        if blank := _BLANK_LINES.match(data, at):
            at = blank.end()
        elif (line := _SEPARATOR.match(data, at)) and not form.delimiter:
            told, at = line[1].decode("latin-1"), line.end()
        else:
            break
    if not data[at:].strip():
        return None
    if _JSON.match(data, at):
        raise Refused("not CSV, but JSON; give it a name that ends in .json or .ndjson")
    dialects = [_dialect(one, form) for one in ([told] if told else DELIMITERS)]
    tried: list[tuple[int, int, Dialect, list[str], int]] = []
    fault: Mistake | None = None
    for dialect in dialects:
        try:
            fields, end = dialect.fields(data, at)
        except Mistake as mistake:
            fault = fault or mistake
            continue
        names = [_name(field) for field in fields]
        known = {own_name(name) for name in names}
        found = sum(name in known for name in REQUIRED[of])
        tried.append((found if form.is_own else 0, len(names), dialect, names, end))
    if not tried:
        kind = HeaderUnclosed if isinstance(fault, Unclosed) else Refused
        raise kind(f"the header does not parse: {fault}")
    # The one with which our fields are found; else the one with the most columns; else the first.
    _, _, dialect, names, end = max(tried, key=lambda one: one[:2])
    if fault and tried[0][2] is not dialects[0] and len(names) == 1:
        raise Refused(f"the header does not parse: {fault}")
    unnamed = frozenset(place for place, name in enumerate(names) if not name)
    return Header(_columns(names, data, at, end, of, form, dialect), unnamed, dialect, end)


def _dialect(delimiter: str, form: Form) -> Dialect:
    quote = '"' if form.quote is None else form.quote
    signs = (delimiter, quote, form.escape or quote)
    if any(len(sign.encode()) > 1 for sign in signs) or not delimiter:
        raise Refused(f"its shape says {signs!r} for delimiter, quote and escape: each is one ASCII character")
    return Dialect(*(sign.encode() for sign in signs))


def _name(field: bytes) -> str:
    return field.decode("utf-8", "replace").strip()


def own_name(name: str) -> str:
    """Return a column's name as ours would be written: in lower case."""
    return name.lower() if name.isascii() else name


def text_fault(data: bytes) -> str | None:
    """Return why bytes are no text for PostgreSQL, or None."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{data[error.start]:02x} at byte {error.start} of the record"
    return "a NUL byte, which no text can hold" if b"\0" in data else None


def _columns(names: list[str], data: bytes, at: int, end: int, of: str, form: Form, dialect: Dialect) -> list[str]:
    """Return the names of the columns, ours as we write them. Raises Refused when they will not do."""
    if len(names) > MOST_COLUMNS:
        raise Refused(f"the header has {len(names)} columns; {MOST_COLUMNS} are allowed")
    if fault := text_fault(data[at:end].rstrip(b"\r\n")):
        raise Refused(f"the header is {fault}" + (f"; {WINDOWS}" if looks_like_windows(data[at:end]) else ""))
    if form.is_own:
        for own in (*REQUIRED[of], *OPTIONAL[of]):
            alike = [place for place, name in enumerate(names) if own_name(name) == own]
            if own not in names and len(alike) == 1:
                names[alike[0]] = own
    # The columns of a spreadsheet that have no name: they are kept, and told apart.
    for place in [place for place, name in enumerate(names) if not name][1:]:
        names[place] = f"column {place + 1}"
    missing = [name for name in REQUIRED[of] if name not in names] if form.is_own else []
    if missing:
        raise Refused(_missing(missing, names, data, end, of, dialect, form))
    if twice := {name for name in names if names.count(name) > 1}:
        raise Refused(f"the header names {_short(sorted(twice))} twice")
    return names


def _missing(missing: list[str], names: list[str], data: bytes, end: int, of: str, dialect: Dialect, form: Form) -> str:
    """Return in words what is wrong with a header that lacks columns."""
    separated = (
        "" if dialect.delimiter == b"," else f" (separated by {DELIMITER_WORDS.get(dialect.delimiter.decode(), '?')})"
    )
    words = f"the header has no column {', '.join(missing)}; it has {_short(names)}{separated}"
    plain = {re.sub(r"[^a-z0-9]+", "_", name.rpartition(".")[2].strip().lower()).strip("_"): name for name in names}
    if alike := [f"{name} where it has {plain[name]!r}" for name in missing if name in plain]:
        return f"{words}: write {', '.join(alike)}"
    at, number = end, 1
    while at < len(data) and number < LINES_LOOKED_AT:
        number += 1
        line = data[at : data.find(b"\n", at) if b"\n" in data[at:] else len(data)]
        for delimiter in DELIMITERS:
            found = {own_name(_name(field.strip(b'"\r'))) for field in line.split(delimiter.encode())}
            if found.issuperset(REQUIRED[of]):
                return f"{words}: line {number} looks like the header; take out what stands before it"
        at += len(line) + 1
    if any(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].*|[0-9.,:]+", name) for name in names):
        return f"{words}: this looks like a record; the first line must name the columns"
    advice = form.advice(names)
    return f"{words}. {advice}" if advice else words


def _short(names: list[str]) -> str:
    text = ", ".join(repr(name) for name in names)
    return text if len(text) <= 300 else f"{text[:300]}…"

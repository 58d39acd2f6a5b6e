"""What `warehouse shape FILE` tells of a file. Python reads its first records; SQL says what they are."""

import codecs
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.text import Text

from glue.csv_header import own_name
from glue.csv_records import CsvFile
from glue.errors import GlueError, Refused
from glue.extract import SOURCES
from glue.formats import Form, as_utf8, foreign, read_fully, unpacked
from glue.json_document import REQUIRED
from glue.landing import DAMAGE
from glue.records import BLANK, BOM, Source
from report.tables import console, print_rows

# As much of a file as is looked at, and how many of its records are shown and tried.
MOST_BYTES = 16 << 20
MOST_RECORDS = 20
SHOWN_RECORDS = 3
BETWEEN = re.compile(r"[\s,]*")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]')
# What changes from day to day in a name: a date, a number.
NUMBER = re.compile(r"(?<![^\W_])\d+(?:[-_.T]?\d+)*|\d{6,}")
# A record that has this share of the fields by which a form is known is taken for one.
FITS = 0.75

PATHS = """
    SELECT p.path, string_agg(DISTINCT p.type, ' or ') AS type,
           (array_agg(p.example ORDER BY r.place, p.number) FILTER (WHERE btrim(p.example) <> ''))[1] AS example
    FROM unnest(%s::json[]) WITH ORDINALITY AS r (record, place)
    CROSS JOIN LATERAL shapes.paths(r.record) WITH ORDINALITY AS p (path, type, example, number)
    GROUP BY p.path ORDER BY min(r.place), min(p.number)
"""
FORMS = """
    SELECT f.routine, f.source, f.score, s.description, s.records_path, s.rows_are, s.encoding, s.delimiter
    FROM shapes.score(%s::json) AS f
    JOIN shapes.shipped() AS s ON s.routine = f.routine
    ORDER BY f.score DESC, cardinality(s.needs) DESC, f.routine
"""
TRIED = """
    SELECT json_strip_nulls(t.record)::text AS record, t.reason, t.value
    FROM audit.try_shape(%s, %s::json[]) AS t ORDER BY t.place
"""
INSERT = """
    SELECT format(
        'INSERT INTO staging.shapes (shape, source, file_pattern, records_path, rows_are, encoding, delimiter, routine)'
        || E'\\nVALUES (%%L, %%L, %%L, %%L, %%L, %%L, %%s, %%L);',
        %(shape)s::text, %(source)s::text, %(file_pattern)s::text, %(records_path)s::text, %(rows_are)s::text,
        %(encoding)s::text,
        CASE %(delimiter)s::text WHEN E'\\t' THEN $$E'\\t'$$ ELSE quote_nullable(%(delimiter)s::text) END,
        %(routine)s::text)
"""


@dataclass(frozen=True)
class Sample:
    """The first records of a file, as JSON, and how they were found: NULLs are what a file tells by itself."""

    records: list[str]
    records_path: str | None = None
    encoding: str | None = None
    delimiter: str | None = None


def sample(connection: psycopg.Connection[Any], path: Path) -> Sample:
    """Return the first records of a file. Raises GlueError when it holds none, OSError."""
    data, encoding = _text_of(path)
    stripped = data.removeprefix(BOM).strip(BLANK)
    if stripped[:1] not in (b"{", b"["):
        return replace(_rows(path, data), encoding=encoding)
    text = stripped.decode("utf-8", "replace")
    values = list(_values(text)) or _beginning(text)
    if len(values) == 1 and _is_storable(values[0]):
        query = "SELECT records_path, record::text FROM shapes.records(%s::json) LIMIT %s"
        found = connection.execute(query, (values[0], MOST_RECORDS)).fetchall()
        return Sample([record for _, record in found], found[0][0] if found else None, encoding)
    records = [value for value in values if _is_storable(value)]
    if not records:
        raise GlueError(f"{path.name} begins as JSON, but holds no record that can be read")
    return Sample(records, None, encoding)


def _text_of(path: Path) -> tuple[bytes, str | None]:
    """Return the beginning of a file as UTF-8, as a load reads it, and its encoding where a shape has to say it.

    Raises GlueError when it is nothing that a load would read, OSError.
    """
    with path.open("rb") as file:
        try:
            stream, close = unpacked(file)
            with ExitStack() as stack:
                stack.callback(close)
                data = read_fully(stream, MOST_BYTES)
        except DAMAGE as error:
            raise GlueError(f"{path.name} does not unpack: {error}") from None
    encoding = None
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            data.decode()
        except UnicodeDecodeError as error:
            if error.start > len(data) - 4:
                data = data[: error.start]  # the last letter is cut
            else:
                encoding = "latin-1"
    try:
        # Of a file that is no text the bytes say what it is.
        if fault := foreign(data, is_told=False):
            raise Refused(fault)
        is_csv = data.removeprefix(BOM).lstrip(BLANK)[:1] not in (b"{", b"[")
        return read_fully(as_utf8(BytesIO(data), Form(encoding=encoding), is_csv=is_csv), 2 * MOST_BYTES), encoding
    except Refused as error:
        raise GlueError(f"{path.name}: {error}") from None


def _rows(path: Path, data: bytes) -> Sample:
    """Return the first rows of CSV, as a load of another form reads them."""
    rejected = []
    try:
        file = CsvFile(Source(BytesIO(data)), "orders", Form(is_own=False))
        records: list[str] = []
        for batch in file.batches():
            records += [record[2].decode() for record in batch.events]
            rejected += batch.rejected
            if len(records) >= MOST_RECORDS:
                break
    except Refused as error:
        raise GlueError(f"{path.name}: {error}") from None
    if not records:
        fault = f": line {rejected[0].number}: {rejected[0].reason}" if rejected else ""
        raise GlueError(f"{path.name} holds neither JSON nor rows of CSV below a header{fault}")
    return Sample(records[:MOST_RECORDS], delimiter=file.dialect.delimiter.decode("latin-1"))


def _is_storable(record: str) -> bool:
    """Return whether PostgreSQL can hold all texts of a JSON value: no NUL, no half of a pair."""
    if "\\u" not in record:
        return True
    try:
        text = json.dumps(json.loads(record), ensure_ascii=False)
        text.encode()
    except ValueError:
        return False
    return "\\u0000" not in text


def show_shape(connection: psycopg.Connection[Any], path: Path, source: str | None, routine: str | None) -> None:
    """Print what a file holds, which form fits, what comes out of its first records, and how to register it."""
    found = sample(connection, path)
    out = console()
    cursor = connection.cursor(row_factory=dict_row)
    lies = f", which lie under {found.records_path}" if found.records_path else ""
    out.print(Text(f"{path.name}: the first {len(found.records)} records{lies}"))
    out.print()
    paths = cursor.execute(PATHS, (found.records,)).fetchall()
    print_rows(out, "What they hold", paths, ["path", "type", "example"])
    if not paths:
        out.print(Text("There is no record in it."))
        return
    forms = cursor.execute(FORMS, (found.records[0],)).fetchall()
    best = next((form for form in forms if form["score"] >= FITS), None)
    folder = path.resolve().parent.parent.name
    own = _own_form(found, source or (folder if folder in SOURCES else None))
    if routine is None and own:
        out.print(Text(f"It is in our own form of {own}: it needs no shape."))
        if own == "orders" and (order_id := _order_of_several(found.records)):
            out.print(
                Text(f"But several records are of one order, {order_id}. If each is a line of it, register that:")
            )
            out.print(Text(_insert(connection, path, found, own, "lines", None)), soft_wrap=True)
        return
    if routine is None and best is None:
        out.print(Text("No form that is shipped fits. Write a function for it:"))
        out.print(Text("docs/how-to/read-another-form.md, and try it: warehouse shape FILE --routine shapes.NAME"))
        return
    form = best if best and routine in (None, best["routine"]) else {}
    name = routine or form["routine"]
    if form:
        out.print(
            Text(f"It fits {form['description']}: {name}, by {form['score']:.0%} of the fields by which it is known.")
        )
    made = cursor.execute(TRIED, (name, found.records)).fetchall()
    out.print(Text(f"What {name} makes of the first:"))
    for one in made[:SHOWN_RECORDS]:
        fault = ": ".join(filter(None, (one["reason"], one["value"])))
        out.print(Text(f"  {one['record'] or f'nothing: {fault}'}"), soft_wrap=True)
    is_of = source or form.get("source") or (folder if folder in SOURCES else "orders")
    rows_are = form.get("rows_are") or "orders"
    if not form and is_of == "orders" and (order_id := _order_of_several([one["record"] for one in made])):
        rows_are = "lines"
        out.print(Text(f"Several records are of one order, {order_id}: each is a line of it."))
    out.print()
    out.print(Text("To register it, for files of that name (* is any text):"))
    out.print(Text(_insert(connection, path, found, is_of, rows_are, name)), soft_wrap=True)


def _insert(
    connection: psycopg.Connection[Any], path: Path, found: Sample, source: str, rows_are: str, routine: str | None
) -> str:
    """Return the statement that registers a shape for such files."""
    values = {
        "shape": path.stem, "source": source, "file_pattern": _pattern(path.name),
        "records_path": found.records_path, "rows_are": rows_are, "encoding": found.encoding,
        "delimiter": None if found.delimiter == "," else found.delimiter, "routine": routine,
    }  # fmt: skip
    (statement,) = connection.execute(INSERT, values).fetchone() or ("",)
    return str(statement)


def _own_form(found: Sample, source: str | None) -> str | None:
    """Return the source of which the first record has all that our own form needs; None if it is of another form."""
    first = json.loads(found.records[0])
    names = set(first) if isinstance(first, dict) else set()
    if found.delimiter:
        names |= {own_name(name) for name in names}
    return next((of for of in ([source] if source else SOURCES) if names.issuperset(REQUIRED[of])), None)


def _order_of_several(records: list[str | None]) -> str | None:
    """Return the id of an order of which several records say different things, all of the same time and status."""
    seen: dict[str, Any] = {}
    for order in (json.loads(record) for record in records if record):
        if isinstance(order, dict) and order.get("order_id"):
            key = json.dumps([order.get(name) for name in ("order_id", "timestamp", "status")])
            if seen.setdefault(key, order) != order:
                return str(order["order_id"])
    return None


def _pattern(name: str) -> str:
    """Return the pattern of the names of such files: another day's has another number."""
    name = re.sub(r"[.](gz|zst)$", "", name, flags=re.IGNORECASE)
    stem, dot, ending = name.rpartition(".")
    pattern = NUMBER.sub("*", stem)
    return pattern + dot + ending if pattern.strip("*") else name


def _beginning(text: str) -> list[str]:
    """Return a document that is too long to be read whole, closed after the first elements of its list."""
    closing = []
    for token in TOKEN.finditer(text):
        sign = token[0]
        if sign in ("]", "}"):
            closing = closing[:-1]
        elif sign in ("[", "{"):
            closing.append("]" if sign == "[" else "}")
            if sign == "[" and text[token.end() : token.end() + 100].lstrip().startswith("{"):
                elements = list(_values(text[token.end() :]))
                if len(elements) == MOST_RECORDS:
                    return [text[: token.end()] + ",".join(elements) + "".join(reversed(closing))]
    return []


def _values(text: str) -> Iterator[str]:
    """Yield JSON values that follow one another, as they are written; a line that is none is left out."""
    decoder = json.JSONDecoder()
    at = number = 0
    while number < MOST_RECORDS and at < len(text):
        at = BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            at = text.find("\n", at) + 1 or len(text)
            continue
        if isinstance(value, dict) or (isinstance(value, list) and not number):
            number += 1
            yield text[at:end]
        at = end

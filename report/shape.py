"""What `warehouse shape FILE` tells of a file. Python reads its first records; SQL says what they are."""

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.text import Text

from glue.errors import GlueError
from glue.extract import SOURCES
from report.tables import console, print_rows

# As much of a file as is looked at, and how many of its records are shown and tried.
MOST_BYTES = 16 << 20
MOST_RECORDS = 20
SHOWN_RECORDS = 3
DELIMITERS = ",;\t|"
# A record that has this share of the fields by which a form is known is taken for one.
FITS = 0.75

PATHS = """
    SELECT p.path, string_agg(DISTINCT p.type, ' or ') AS type, min(p.example) AS example
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
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        data = file.read(MOST_BYTES)
    text, encoding = _decoded(data)
    stripped = text.lstrip()
    if stripped[:1] in ("{", "["):
        values = list(_values(stripped))
        if len(values) == 1:
            query = "SELECT records_path, record::text FROM shapes.records(%s::json) LIMIT %s"
            found = connection.execute(query, (values[0], MOST_RECORDS)).fetchall()
            return Sample([record for _, record in found], found[0][0] if found else None, encoding)
        return Sample(values[:MOST_RECORDS], None, encoding)
    header = stripped.partition("\n")[0]
    delimiter = max(DELIMITERS, key=header.count)
    rows = csv.DictReader(stripped.splitlines(keepends=True), delimiter=delimiter)
    records = [json.dumps(dict(row)) for row in islice(rows, MOST_RECORDS) if None not in row]
    if not records:
        raise GlueError(f"{path.name} holds neither JSON nor rows of CSV below a header")
    return Sample(records, None, encoding, delimiter)


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
    forms = cursor.execute(FORMS, (found.records[0],)).fetchall()
    best = next((form for form in forms if form["score"] >= FITS), None)
    if routine is None and best is None:
        out.print(
            Text("No form that is shipped fits. In our own form it needs no shape; else write a function for it:")
        )
        out.print(Text("docs/how-to/read-another-form.md, and try it: warehouse shape FILE --routine shapes.NAME"))
        return
    form = best if best and routine in (None, best["routine"]) else {}
    name = routine or form["routine"]
    if form:
        out.print(
            Text(f"It fits {form['description']}: {name}, by {form['score']:.0%} of the fields by which it is known.")
        )
    made = cursor.execute(TRIED, (name, found.records[:SHOWN_RECORDS])).fetchall()
    out.print(Text(f"What {name} makes of the first:"))
    for one in made:
        fault = ": ".join(filter(None, (one["reason"], one["value"])))
        out.print(Text(f"  {one['record'] or f'nothing: {fault}'}"), soft_wrap=True)
    out.print()
    folder = path.resolve().parent.parent.name
    is_of = source or form.get("source") or (folder if folder in SOURCES else "orders")
    values = {
        "shape": path.stem, "source": is_of, "file_pattern": path.name.removesuffix(".gz"),
        "records_path": found.records_path, "rows_are": form.get("rows_are") or "orders", "encoding": found.encoding,
        "delimiter": None if found.delimiter == "," else found.delimiter, "routine": name,
    }  # fmt: skip
    (statement,) = connection.execute(INSERT, values).fetchone() or ("",)
    out.print(Text("To register it, for files of that name (* is any text):"))
    out.print(Text(statement), soft_wrap=True)


def _decoded(data: bytes) -> tuple[str, str | None]:
    """Return the text of bytes, and its encoding where a shape has to say it."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if data.startswith(mark):
            return data.decode(encoding, "replace"), None
    try:
        return data.decode(), None
    except UnicodeDecodeError as error:
        # The last letter may be cut.
        return (
            (data[: error.start].decode(), None) if error.start > len(data) - 4 else (data.decode("latin-1"), "latin-1")
        )


def _values(text: str) -> Iterator[str]:
    """Yield JSON values that follow one another, as they are written; what is cut at the end is left out."""
    decoder = json.JSONDecoder()
    at = 0
    for _ in range(MOST_RECORDS):
        while at < len(text) and text[at].isspace():
            at += 1
        try:
            _, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            return
        yield text[at:end]
        at = end

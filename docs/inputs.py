"""Writes docs/inputs.md, the reference of the inputs, from staging.fields of a migrated warehouse.

python docs/inputs.py           write it, from a database made for this on the embedded server
python docs/inputs.py --check   write nothing; exit code 1 if it is not what the table says
"""
# A command line prints.
# ruff: noqa: T201

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))
INPUTS = PROJECT / "docs" / "inputs.md"
SCRATCH = "warehouse_inputs"

FIELDS = """
    SELECT f.* FROM staging.fields AS f WHERE f.source = %s
    ORDER BY array_position(ARRAY['order', 'customer', 'line', 'event', 'product'], f.place),
             f.is_required DESC, f.field
"""
SOURCES = {
    "orders": "JSON: an array of orders, or one per line. The fields of a line stand in the order, or in each of its\n"
    "`items`; those of the customer in the order, or in its `user`.",
    "events": "CSV with a header that names the fields, in any order. Columns that are no fields are kept in raw.",
    "products": "JSON: an array of products, or pages of one.",
}
KINDS = {
    "id": "a plain value of at most 512 bytes, compared as bytes",
    "text": "a plain value",
    "code": "a plain value; spellings are mapped by `staging.codes`, in any case",
    "quantity": "a whole number above 0",
    "money": "a number of at least 0, below 1e15",
    "time": "ISO 8601, a date is its midnight; UTC without an offset",
    "date": "ISO 8601",
}
OWN = """
## A field of your own

A field that is not listed is kept in raw and goes no further. Register it, as the owner, and run the day again:

```sql
INSERT INTO staging.fields (source, field, place, kind, is_personal, on_fault, description)
VALUES ('orders', 'gift', 'order', 'text', false, 'empty', 'What the card says');
```

It is carried in the column `attributes` of staging, facts and superseded rows, and of the views
`warehouse.order_lines`, `warehouse.sales` and `warehouse.events`: `SELECT attributes ->> 'gift' FROM
warehouse.order_lines`. Unless you say otherwise it counts as personal, and goes when the person is erased. Days that
are not run again stay as they are.

A field with a column and rules of its own is a revision (`ALTER TABLE` for staging, facts and superseded rows; its
row of `staging.fields` with `column_name`), a line in the parser (`db/procedures/staging/_read_orders.sql`) and a line
in the view from staging to facts (`db/procedures/staging/_order_facts.sql`). Everything else takes its columns from
the catalog.
"""


def page(connection: psycopg.Connection[Any]) -> str:
    """Return the page for the warehouse of a connection."""
    return "\n".join(_lines(connection)) + "\n" + OWN


def _lines(connection: psycopg.Connection[Any]) -> Iterator[str]:
    yield "# Inputs"
    yield ""
    yield "What a delivery may say, and what a mistake in it costs. Made by `make docs` from `staging.fields`; a test"
    yield "says whether it is current. Blanks around a value do not count, and a value of blanks is none."
    for source, form in SOURCES.items():
        yield ""
        yield f"## {source.capitalize()}"
        yield ""
        yield form
        yield ""
        yield "| field | of the | kind | | a faulty value | becomes | meaning |"
        yield "|---|---|---|---|---|---|---|"
        with connection.cursor(row_factory=namedtuple_row) as cursor:
            for field in cursor.execute(FIELDS, [source]).fetchall():
                marks = [
                    mark for mark, is_so in (("required", field.is_required), ("personal", field.is_personal)) if is_so
                ]
                cost = "rejects the row" if field.on_fault == "reject" else "is left out"
                column = field.column_name or f"attributes ->> '{field.field}'"
                yield (
                    f"| `{field.field}` | {field.place} | {field.kind} | {', '.join(marks)} | {cost} | `{column}` |"
                    f" {field.description} |"
                )
    yield ""
    yield "## Kinds"
    yield ""
    yield "| kind | what is allowed |"
    yield "|---|---|"
    for kind, allowed in KINDS.items():
        yield f"| {kind} | {allowed} |"


def main() -> int:
    """Run the tool; return the exit code."""
    from glue import server
    from glue.migrate import upgrade

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the page is not current")
    options = parser.parse_args()
    with (
        server.EmbeddedServer() as running,
        psycopg.connect(running.dsn("postgres"), autocommit=True) as connection,
    ):
        connection.execute(f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {SCRATCH} ENCODING 'UTF8' TEMPLATE template0")
        try:
            upgrade(running.dsn(SCRATCH))
            with psycopg.connect(running.dsn(SCRATCH)) as warehouse:
                text = page(warehouse)
        finally:
            connection.execute(f"DROP DATABASE {SCRATCH} WITH (FORCE)")
    is_current = INPUTS.exists() and INPUTS.read_text(encoding="utf-8") == text
    if not options.check:
        INPUTS.write_text(text, encoding="utf-8")
        print(f"{INPUTS.relative_to(PROJECT)}: {text.count(chr(10))} lines")
        return 0
    print(f"{INPUTS.name} is {'current' if is_current else 'not what staging.fields says: run make docs'}")
    return 0 if is_current else 1


if __name__ == "__main__":
    sys.exit(main())

"""Writes the pages of docs/reference that a migrated warehouse and the command line say themselves.

python docs/reference.py           write them, from a database made for this on the embedded server
python docs/reference.py --check   write nothing; exit code 1 if one is not current

dictionary.md comes from the comments in the catalog, settings.md from audit.settings and audit.dq_rules, commands.md
from the command line's own help, the fields of inputs.md from staging.fields.
"""
# A command line prints.
# ruff: noqa: T201

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))
REFERENCE = PROJECT / "docs" / "reference"
SCHEMAS = ("warehouse", "staging", "raw", "audit", "marts")
SCRATCH = "warehouse_reference"

SCHEMA_COMMENTS = """
    SELECT n.nspname AS name, pg_catalog.obj_description(n.oid, 'pg_namespace') AS comment
    FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY (%s)
"""
RELATIONS = """
    SELECT c.oid, c.relname AS name, c.relkind = 'v' AS is_view, c.relkind = 'p' AS is_partitioned,
           pg_catalog.obj_description(c.oid, 'pg_class') AS comment
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
    ORDER BY c.relname COLLATE "C"
"""
COLUMNS = """
    SELECT a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS is_needed,
           pg_catalog.col_description(a.attrelid, a.attnum) AS comment,
           coalesce(a.attnum = ANY (k.conkey), false) AS is_key
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""
ROUTINES = """
    SELECT p.oid::regprocedure::text AS name, pg_catalog.obj_description(p.oid, 'pg_proc') AS comment
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = ANY (%s) AND p.prokind = 'p' AND left(p.proname, 1) <> '_'
    ORDER BY p.oid::regprocedure::text COLLATE "C"
"""
# What the picture shows, with the columns that are not about the row itself.
# In the order of the picture, from left to right.
STARS = ("dim_date", "dim_user", "fact_events", "fact_orders", "dim_product", "order_statuses", "dim_product_history")
RIGHT_OF_FACTS = STARS[4:]
NOT_SHOWN = ("created_at", "updated_at", "attributes_order_ts", "attributes_load_date", "attributes_order_id")
FOREIGN_KEYS = """
    SELECT r.relname AS target, c.relname AS source, a.attname AS column
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid AND NOT c.relispartition
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'warehouse'
    JOIN pg_catalog.pg_class r ON r.oid = k.confrelid AND NOT r.relispartition
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    WHERE k.contype = 'f'
    ORDER BY 1, 2, 3
"""
# What is equal without a foreign key: raw and staging are loaded without.
STAR_EQUALITIES = (("order_statuses", "fact_orders", "status"), ("dim_product", "dim_product_history", "product_id"))
LINEAGE = (
    ("file_loads", "orders_json", "load_id"),
    ("file_loads", "events_csv", "load_id"),
    ("file_loads", "products_json", "load_id"),
    ("orders_json", "orders_clean", "raw_orders_id"),
    ("events_csv", "events_clean", "raw_events_id"),
    ("products_json", "products_clean", "raw_products_id"),
    ("orders_clean", "fact_orders", "staging_orders_id"),
    ("events_clean", "fact_events", "staging_events_id"),
    ("products_clean", "dim_product_history", "product_id"),
)


SETTINGS = "SELECT name, value, description FROM audit.settings ORDER BY name"
RULES = """
    SELECT rule_name, severity, check_type, min_value, max_value, description
    FROM audit.dq_rules ORDER BY rule_name
"""
FIELDS = """
    SELECT f.* FROM staging.fields AS f WHERE f.source = %s
    ORDER BY array_position(ARRAY['order', 'customer', 'line', 'event', 'product'], f.place),
             f.is_required DESC, f.field
"""
FORMS = {
    "orders": "The fields of a line stand in the order, or in each of its `items`; those of the customer in the\n"
    "order, or in its `user`. A row of CSV is an order of one line.",
    "events": "Columns of CSV, or members of an object. Those that are no fields are kept in raw.",
    "products": "Members of an object, or columns of CSV.",
}
KINDS = {
    "id": "a plain value of at most 512 bytes, compared as bytes",
    "text": "a plain value",
    "code": "a plain value; spellings are mapped by `staging.codes`, in any case",
    "quantity": "a number above 0",
    "money": "a number of at least 0, below 1e15",
    "time": "ISO 8601, a date is its midnight; UTC without an offset, or with `UTC` behind it",
    "date": "ISO 8601",
}
FIELDS_BLOCK = re.compile(r"(?<=<!-- fields: begin -->\n).*(?=<!-- fields: end -->)", re.DOTALL)
MADE = "Made by `make docs`; a test says whether it is current."


def pages(connection: psycopg.Connection[Any]) -> dict[Path, str]:
    """Return {path: text} of the pages, for the warehouse of a connection as it is shipped."""
    made = {"dictionary.md": _dictionary(connection), "settings.md": _settings(connection), "commands.md": _commands()}
    inputs = REFERENCE / "inputs.md"
    fields = "\n".join(_fields(connection)) + "\n"
    with_fields = FIELDS_BLOCK.sub(lambda _: fields, inputs.read_text(encoding="utf-8"))
    return {REFERENCE / name: "\n".join(lines) + "\n" for name, lines in made.items()} | {inputs: with_fields}


def _fields(connection: psycopg.Connection[Any]) -> Iterator[str]:
    for source, form in FORMS.items():
        yield ""
        yield f"### {source.capitalize()}"
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
    yield "### Kinds"
    yield ""
    yield "| kind | what is allowed |"
    yield "|---|---|"
    for kind, allowed in KINDS.items():
        yield f"| {kind} | {allowed} |"


def _settings(connection: psycopg.Connection[Any]) -> Iterator[str]:
    yield "# Settings and rules"
    yield ""
    yield f"{MADE} Both are rows that you change; an upgrade keeps what you changed."
    yield ""
    yield "## Settings"
    yield ""
    yield "`UPDATE audit.settings SET value = '…' WHERE name = '…'` holds from the next step on. An empty value is off."
    yield ""
    yield "| name | shipped | what it does |"
    yield "|---|---|---|"
    for name, value, description in connection.execute(SETTINGS).fetchall():
        yield f"| `{name}` | {value or ''} | {_cell(description)} |"
    yield ""
    yield "## Rules of the gate"
    yield ""
    yield "`audit.dq_rules`. A `critical` rule that fails blocks the day, a `warning` is recorded."
    yield "[Add a rule](../how-to/add-a-rule.md) says how to change them."
    yield ""
    yield "| rule | severity | kind | from | to | what it holds |"
    yield "|---|---|---|---:|---:|---|"
    for name, severity, kind, least, most, description in connection.execute(RULES).fetchall():
        bounds = ["" if bound is None else f"{bound:f}" for bound in (least, most)]
        yield f"| `{name}` | {severity} | {kind} | {bounds[0]} | {bounds[1]} | {_cell(description)} |"


def _commands() -> Iterator[str]:
    from glue.cli import parser

    command = parser()
    yield "# Commands"
    yield ""
    yield f"{MADE} `{command.prog} COMMAND --help` says the same."
    yield ""
    yield "```text"
    yield str(command.epilog).strip()
    yield "```"
    for name, found in _subcommands(command):
        yield ""
        yield f"## {command.prog} {name}"
        yield ""
        yield f"{str(found.description).capitalize()}."
        yield ""
        yield "| argument | |"
        yield "|---|---|"
        for action in found._actions:
            if action.dest != "help":
                shown = ", ".join(action.option_strings) or str(action.metavar or action.dest)
                choices = ", ".join(map(str, action.choices or ()))
                yield f"| `{_cell(shown)}` | {_cell(action.help or choices)} |"
        if found.epilog:
            yield ""
            yield "```text"
            yield found.epilog.strip()
            yield "```"


def _subcommands(command: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    return [
        (name, found)
        for action in command._actions
        if isinstance(action, argparse._SubParsersAction)
        for name, found in action.choices.items()
    ]


def _dictionary(connection: psycopg.Connection[Any]) -> Iterator[str]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        # What the search path shortens would depend on who asks.
        cursor.execute("SET search_path = pg_catalog")
        yield "# Data dictionary"
        yield ""
        yield f"{MADE} It holds the comments of the database: change them"
        yield "in `db/schema`, not here. Columns of a primary key are bold."
        yield ""
        yield from _diagram(cursor)
        comments = dict(cursor.execute(SCHEMA_COMMENTS, [list(SCHEMAS)]).fetchall())
        for schema in SCHEMAS:
            yield ""
            yield f"## {schema}"
            yield ""
            yield f"{_cell(comments[schema])}."
            for relation in cursor.execute(RELATIONS, [schema]).fetchall():
                yield ""
                yield f"### {schema}.{relation.name}"
                yield ""
                kind = "View. " if relation.is_view else ""
                yield f"{kind}{_cell(relation.comment).rstrip('.')}."
                yield ""
                yield "| column | type | meaning |"
                yield "|---|---|---|"
                for column in cursor.execute(COLUMNS, [relation.oid]).fetchall():
                    name = f"**{column.name}**" if column.is_key else column.name
                    optional = "" if column.is_needed or relation.is_view else ", may be NULL"
                    yield f"| {name} | {column.type}{optional} | {_cell(column.comment)} |"
        yield ""
        yield "## Procedures"
        yield ""
        yield "Each can be called alone from psql; all are safe to repeat."
        yield ""
        yield "| CALL | |"
        yield "|---|---|"
        for routine in cursor.execute(ROUTINES, [list(SCHEMAS)]).fetchall():
            yield f"| `{routine.name}` | {_cell(routine.comment)} |"


def _diagram(cursor: psycopg.Cursor[Any]) -> Iterator[str]:
    yield "The star; solid lines are foreign keys, dotted ones are equal without one:"
    yield ""
    yield "```mermaid"
    yield "erDiagram"
    # The facts stand in the middle, with dimensions on either side: no line runs behind a table.
    yield "    direction LR"
    lines = [("--", *key) for key in cursor.execute(FOREIGN_KEYS).fetchall() if {key[0], key[1]} <= set(STARS)]
    lines += [("..", *key) for key in STAR_EQUALITIES]
    for line, target, source, column in sorted(lines, key=lambda line: (STARS.index(line[2]), STARS.index(line[1]))):
        if target in RIGHT_OF_FACTS and source not in RIGHT_OF_FACTS:
            yield f"    {source} }}o{line}|| {target} : {column}"
        else:
            yield f"    {target} ||{line}o{{ {source} : {column}"
    relations = {row.name: row.oid for row in cursor.execute(RELATIONS, ["warehouse"]).fetchall()}
    for name in STARS:
        yield f"    {name} {{"
        for column in cursor.execute(COLUMNS, [relations[name]]).fetchall():
            if column.name not in NOT_SHOWN:
                kind = column.type.replace("timestamp with time zone", "timestamptz").replace(" ", "_")
                yield f"        {kind} {column.name}{' PK' if column.is_key else ''}"
        yield "    }"
    yield "```"
    yield ""
    yield "The way of a line, from the delivery to the fact, by equality of ids:"
    yield ""
    yield "```mermaid"
    yield "flowchart LR"
    for target, source, column in LINEAGE:
        yield f"    {target} -- {column} --> {source}"
    yield "```"


def _cell(text: str | None) -> str:
    return " ".join((text or "").replace("|", "\\|").replace("<", "&lt;").split())


def main() -> int:
    """Run the tool; return the exit code."""
    from embedded import server
    from ops.migrate import upgrade

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
                made = pages(warehouse)
        finally:
            connection.execute(f"DROP DATABASE {SCRATCH} WITH (FORCE)")
    stale = [path for path, page in made.items() if not path.exists() or path.read_text(encoding="utf-8") != page]
    for path in stale:
        if not options.check:
            path.write_text(made[path], encoding="utf-8")
        print(f"{path.relative_to(PROJECT)}: {'not current: run make docs' if options.check else 'written'}")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())

"""Other ways of doing the same work, each measured as it would be run: as programs of its own."""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

import psycopg

from bench import row_by_row
from bench.floor import BLOCK_BYTES, COPY_ORDERS
from bench.measure import PROJECT, Cost, Server, python, run

INDEXES = """
    SELECT t.relname, pg_get_indexdef(i.indexrelid), i.indisunique,
           ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, true) FROM generate_series(1, i.indnkeyatts) AS n), a.amname
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_am a ON a.oid = c.relam
    WHERE i.indrelid IN ('warehouse.fact_orders'::regclass, 'warehouse.fact_events'::regclass) ORDER BY i.indexrelid
"""
FACTS = """
    SELECT (SELECT count(*) FROM {0}fact_orders), (SELECT sum(revenue)::numeric(20, 2) FROM {0}fact_orders),
           (SELECT count(*) FROM {0}fact_events), (SELECT count(*) FROM {0}dim_user), (SELECT count(*)
               FROM {0}dim_product)
"""
DBT_RAW = """
    CREATE TABLE orders (raw_orders_id bigserial, load_date date, raw_json jsonb);
    CREATE TABLE events (raw_events_id bigserial, load_date date, event_id text, user_id text, product_id text,
                         event_type text, event_ts text);
    CREATE TABLE products (load_date date, raw_json jsonb);
    CREATE TABLE codes (kind text, source_value text, canonical_value text);
    CREATE INDEX ON orders (load_date);
    CREATE INDEX ON events (load_date);
"""
TIME_PATTERN = r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"


def codes(server: Server) -> list[tuple[str, str, str]]:
    """Return the warehouse's codes: everybody maps the same ones."""
    with server.connect("bench_template") as connection:
        return connection.execute("SELECT kind, source_value, canonical_value FROM staging.codes").fetchall()


class Contender(Protocol):
    """A way of loading a day."""

    def load(self, landing: Path, day: date) -> Cost:
        """Load a day."""

    def facts(self) -> tuple[str, ...]:
        """Return what it arrived at: order lines, their revenue, events, users, products."""


class RowByRow:
    """json, csv and INSERT."""

    def __init__(self, server: Server, dbname: str) -> None:
        self.server, self.dbname = server, dbname
        with server.connect("bench_template") as connection:
            indexes = connection.execute(INDEXES).fetchall()
        with server.connect(dbname) as connection:
            connection.execute(row_by_row.SCHEMA)
            for table, definition, is_unique, _, _ in indexes:
                how = definition[definition.index(" USING ") :]
                connection.execute(f"CREATE {'UNIQUE ' if is_unique else ''}INDEX ON {table} {how}")
            _insert_codes(connection, codes(server))

    def load(self, landing: Path, day: date) -> Cost:
        """Load a day."""
        command = ("-m", "bench.row_by_row", self.server.dsn(self.dbname), landing, f"{day}")
        return self.server.measure(self.dbname, lambda: python(*command)[0])

    def facts(self) -> tuple[str, ...]:
        """Return what it arrived at."""
        return _facts(self.server, self.dbname, "")


class Dbt:
    """dbt-postgres: raw tables by COPY, incremental models, tests. It gets files without unreadable lines."""

    def __init__(self, server: Server, dbname: str, folder: Path) -> None:
        self.server, self.dbname, self.project = server, dbname, folder / "dbt"
        shutil.rmtree(self.project, ignore_errors=True)
        shutil.copytree(PROJECT / "bench" / "dbt", self.project)
        with server.connect("bench_template") as connection:
            indexes = connection.execute(INDEXES).fetchall()
        self._indexes = {
            f"{table}_indexes": [
                {"columns": columns, "unique": is_unique, "type": method}
                for known, _, is_unique, columns, method in indexes
                if known == table
            ]
            for table in ("fact_orders", "fact_events")
        }
        with server.connect(dbname) as connection:
            connection.execute(DBT_RAW)
            _insert_codes(connection, codes(server))

    def load(self, landing: Path, day: date) -> Cost:
        """Load a day."""
        host = re.search(r"host=([^&]*)", self.server.dsn(self.dbname))[1].replace("%2F", "/")
        env = {"BENCH_HOST": host, "BENCH_DATABASE": self.dbname, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        values = json.dumps({"day": f"{day}", "time_pattern": TIME_PATTERN, **self._indexes})
        dbt = (Path(sys.executable).parent / "dbt", "--quiet", "build", "--vars", values, "--profiles-dir", ".")

        def both() -> Cost:
            copied, _ = python("-m", "bench.contenders", self.server.dsn(self.dbname), landing, f"{day}")
            built, _ = run(dbt, env=env, cwd=self.project)
            return copied + built

        return self.server.measure(self.dbname, both)

    def facts(self) -> tuple[str, ...]:
        """Return what it arrived at."""
        return _facts(self.server, self.dbname, "shop.")


class DuckDb:
    """DuckDB."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.file, self.codes = server, folder / "contender.duckdb", folder / "codes.json"
        for leftover in folder.glob("contender.duckdb*"):
            leftover.unlink()
        names = ("kind", "source_value", "canonical_value")
        self.codes.write_text(json.dumps([dict(zip(names, row, strict=True)) for row in codes(server)]))
        self._facts: tuple[str, ...] = ()

    def load(self, landing: Path, day: date) -> Cost:
        """Load a day."""

        def work() -> Cost:
            cost, said = python("-m", "bench.duck", self.file, landing, f"{day}", self.codes)
            self._facts = tuple(json.loads(said))
            return cost

        return self.server.measure("postgres", work)

    def facts(self) -> tuple[str, ...]:
        """Return what it arrived at."""
        return self._facts


def _insert_codes(connection: psycopg.Connection, rows: Sequence[tuple[str, str, str]]) -> None:
    connection.cursor().executemany("INSERT INTO codes VALUES (%s, %s, %s)", rows)


def _facts(server: Server, dbname: str, schema: str) -> tuple[str, ...]:
    with server.connect(dbname) as connection:
        return tuple(map(str, connection.execute(FACTS.format(schema)).fetchone()))


def copy_raw(dsn: str, landing: Path, day: date) -> None:
    """Put a day's files into dbt's raw tables."""
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        for table, column in (
            ("orders", "raw_json"),
            ("events", "event_id, user_id, product_id, event_type, event_ts"),
        ):
            cursor.execute(f"DELETE FROM {table} WHERE load_date = %s", [day])
            cursor.execute(f"ALTER TABLE {table} ALTER load_date SET DEFAULT '{day}'")
            options = COPY_ORDERS.partition("STDIN")[2] if table == "orders" else "(FORMAT csv, HEADER)"
            path = landing / table / f"{day}" / ("orders.ndjson" if table == "orders" else "events.csv")
            with path.open("rb") as file, cursor.copy(f"COPY {table} ({column}) FROM STDIN {options}") as copy:
                while block := file.read(BLOCK_BYTES):
                    copy.write(block)
        cursor.execute("DELETE FROM products WHERE load_date = %s", [day])
        catalogue = landing / "products" / f"{day}" / "products.json"
        if catalogue.exists():
            cursor.execute(
                "INSERT INTO products SELECT %s, p FROM jsonb_array_elements(%s) AS p", [day, catalogue.read_text()]
            )


if __name__ == "__main__":
    copy_raw(sys.argv[1], Path(sys.argv[2]), date.fromisoformat(sys.argv[3]))

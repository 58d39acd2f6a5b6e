"""The warehouse as it is: python -m glue, and the procedures."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg

from bench.measure import Cost, Server, python

SOURCES = ("orders", "events", "products")
STEPS = (
    "audit.open_run", "staging.clean_orders", "staging.clean_events", "staging.clean_products", "audit.check_quality",
    "warehouse.load_dim_date", "warehouse.load_dim_user", "warehouse.load_dim_product",
    "warehouse.reload_fact_orders", "warehouse.reload_fact_events", "warehouse.compute_daily_metrics",
)  # fmt: skip


def environment(server: Server, dbname: str, landing: Path) -> dict[str, str]:
    """Return what python -m glue needs to know."""
    return {"WAREHOUSE_DSN": server.dsn(dbname), "LANDING_URL": str(landing), "PRODUCTS_API_URL": ""}


def run_days(
    server: Server, dbname: str, landing: Path, first: date, last: date | None = None, jobs: int | None = None
) -> Cost:
    """Measure warehouse run: files in, metrics out. A single day's steps go two at a time unless `jobs` are said."""
    days = ["--from", f"{first}", "--to", f"{last}"] if last else [f"{first}"]
    command = ("-m", "glue", "run", *days, *(["--jobs", f"{jobs}"] if jobs else []))
    return server.measure(dbname, lambda: python(*command, env=environment(server, dbname, landing))[0])


def steps(
    server: Server, dbname: str, landing: Path, day: date,
    around: Callable[[str, psycopg.Connection], contextlib.AbstractContextManager[None]] | None = None,
) -> dict[str, Cost]:  # fmt: skip
    """Measure each step of a day by itself, one after the other."""
    costs = {}
    env = environment(server, dbname, landing)
    for source in SOURCES:
        costs[f"extract_{source}"] = server.measure(
            dbname, lambda source=source: python("-m", "glue", "extract", source, f"{day}", env=env)[0]
        )
    with server.connect(dbname) as connection:
        for step in STEPS:
            costs[step.partition(".")[2]] = call(server, connection, dbname, step, day, around)
    return costs


def call(
    server: Server, connection: psycopg.Connection, dbname: str, step: str, day: date,
    around: Callable[[str, psycopg.Connection], contextlib.AbstractContextManager[None]] | None = None,
) -> Cost:  # fmt: skip
    """Measure a public procedure."""
    with around(step, connection) if around else contextlib.nullcontext():
        return server.measure(dbname, lambda: connection.execute(f"CALL {step}(%s)", [day]) and None)


class Warehouse:
    """The warehouse as a contender."""

    def __init__(self, server: Server, dbname: str) -> None:
        self.server, self.dbname = server, dbname

    def load(self, landing: Path, day: date) -> Cost:
        """Load a day."""
        return run_days(self.server, self.dbname, landing, day)

    def facts(self) -> tuple[str, ...]:
        """Return what every contender must arrive at: order lines, their revenue, events, users, products."""
        with self.server.connect(self.dbname) as connection:
            return tuple(
                map(
                    str,
                    connection.execute(
                        """
                        SELECT (SELECT count(*) FROM warehouse.fact_orders),
                               (SELECT sum(revenue)::numeric(20, 2) FROM warehouse.fact_orders),
                               (SELECT count(*) FROM warehouse.fact_events),
                               (SELECT count(*) FROM warehouse.dim_user), (SELECT count(*) FROM warehouse.dim_product)
                        """
                    ).fetchone(),
                )
            )


# -- where the time goes -----------------------------------------------------------------------------

PROFILE_SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements,auto_explain",
    "pg_stat_statements.track": "all",
    "pg_stat_statements.max": "10000",
    "auto_explain.log_min_duration": "200ms",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_level": "NOTICE",
}
STATEMENTS = """
    SELECT s.total_exec_time::numeric(10, 0), s.calls, s.rows, pg_size_pretty(s.wal_bytes),
           pg_size_pretty((s.temp_blks_written) * 8192),
           left(regexp_replace(s.query, '\\s+', ' ', 'g'), 150)
    FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()
    WHERE s.total_exec_time > 20 AND s.query NOT LIKE '%pg_stat%' ORDER BY s.total_exec_time DESC
"""


# What takes most of a day's time, told by how a statement begins. None of these is part of another.
KINDS = {
    "JSON and CSV to typed rows": r"^\s*CREATE\s+(TEMPORARY )?TABLE .*FROM staging\._read_",
    "rows of the facts": r"^\s*CREATE TABLE warehouse\.fact_",
    "indexes": r"^\s*CREATE\s+(UNIQUE )?INDEX",
    "foreign keys": r"^\s*SELECT fk\.",
    "NOT NULL and CHECK": r"^\s*ALTER TABLE \S+ ALTER COLUMN",
    "statistics": r"^\s*ANALYZE",
    "rules": r"^\s*SELECT to_jsonb\(q\)",
    "users, and owners of orders": r"^\s*INSERT INTO warehouse\.(dim_user|user_loads|order_owners)",
}
BY_KIND = "SELECT coalesce(sum(s.total_exec_time), 0) FROM public.pg_stat_statements s WHERE s.query ~ %s"


class Profile:
    """Statements of each step by their time, and their plans, in a folder. Needs PostgreSQL's contrib modules.

    `ms`: by kind, of all steps; `whole_ms`: of the calls themselves.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ms = dict.fromkeys(KINDS, 0.0)
        self.whole_ms = 0.0

    @contextlib.contextmanager
    def __call__(self, step: str, connection: psycopg.Connection) -> Iterator[None]:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements WITH SCHEMA public")
        connection.execute("SELECT public.pg_stat_statements_reset()")
        with (self._folder / f"{step}.plans.txt").open("w") as plans:

            def keep(notice: psycopg.errors.Diagnostic) -> None:
                plans.write(f"{notice.message_primary}\n{notice.context or ''}\n\n")

            connection.add_notice_handler(keep)
            connection.execute("SET client_min_messages = notice")
            yield
            connection.remove_notice_handler(keep)
        rows = connection.execute(STATEMENTS.replace("pg_stat_statements s", "public.pg_stat_statements s")).fetchall()
        for kind, begins in KINDS.items():
            self.ms[kind] += connection.execute(BY_KIND, [begins]).fetchone()[0]
        self.whole_ms += connection.execute(BY_KIND, [f"^CALL {step}"]).fetchone()[0]
        lines = [f"{'ms':>8} {'calls':>7} {'rows':>9} {'WAL':>8} {'temp':>8}  statement"]
        lines += [
            f"{ms:>8} {calls:>7} {count:>9} {wal:>8} {temp:>8}  {text}" for ms, calls, count, wal, temp, text in rows
        ]
        (self._folder / f"{step}.statements.txt").write_text("\n".join(lines) + "\n")

"""A day's steps, as tests call, lock, watch and count them."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from tests.conftest import Warehouse
from tests.shop import checksums, events, orders, product

DAY = date(2025, 12, 19)
STEPS = (
    "audit.open_run", "staging.clean_orders", "staging.clean_events", "staging.clean_products", "audit.check_quality",
    "warehouse.load_dim_date", "warehouse.load_dim_user", "warehouse.load_dim_product",
    "warehouse.reload_fact_orders", "warehouse.reload_fact_events", "warehouse.compute_daily_metrics",
)  # fmt: skip


def put_day(warehouse: Warehouse, day: date = DAY, count: int = 20, **fields: Any) -> None:
    """Put a day's files into the landing zone and into raw."""
    warehouse.landing.orders(day, orders(count, day, **fields))
    warehouse.landing.events(day, events(count, day))
    warehouse.landing.products(day, [product(f"P-{n}") for n in range(7)])
    warehouse.deliver(day)


def data(warehouse: Warehouse) -> dict[str, str]:
    """Return checksums of all data: what a failure must not change. Run records and metrics are not data."""
    found = checksums(warehouse.connection, ["raw", "staging", "warehouse"])
    del found["warehouse.daily_metrics"]
    return found


@contextlib.contextmanager
def refused(warehouse: Warehouse, sqlstate: str, message: str) -> Iterator[Any]:
    """Expect an error of this SQLSTATE and message, with a hint, that changes no data; yields what pytest caught."""
    before = data(warehouse)
    with pytest.raises(psycopg.Error) as raised:
        yield raised
    assert raised.value.sqlstate == sqlstate, raised.value
    assert raised.value.diag.message_primary == message
    assert raised.value.diag.message_hint
    assert data(warehouse) == before


def newest_step(warehouse: Warehouse) -> Any:
    """Return the newest step."""
    return warehouse.row("SELECT * FROM audit.pipeline_steps ORDER BY step_id DESC LIMIT 1")


# In this database: the other worker of the tests has one on the same server.
SOMEBODY_WAITS = """
    SELECT FROM pg_locks
    WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def wait_for(question: Any, seconds: float = 20) -> Any:
    """Ask until the answer is true; return it."""
    end = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
    return answer


TABLES = "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND oid >= 16384"


def keep_autovacuum_away(warehouse: Warehouse) -> None:
    """Let autovacuum neither read the tables that are there now nor change how they are read."""
    for table in warehouse.rows(TABLES):
        warehouse.execute(f"ALTER TABLE {table.name} SET (autovacuum_enabled = off)")


class Caller(threading.Thread):
    """Calls a procedure in a session of its own, beside the test."""

    def __init__(self, warehouse: Warehouse, statement: str, *settings: str) -> None:
        super().__init__(daemon=True)
        self.connection = warehouse.connect()
        for setting in settings:
            self.connection.execute(setting)
        self.statement = statement
        self.error: psycopg.Error | None = None
        self.start()

    def run(self) -> None:
        try:
            self.connection.execute(self.statement)
        except psycopg.Error as error:
            self.error = error


@contextlib.contextmanager
def locked(warehouse: Warehouse, table: str, mode: str = "ACCESS EXCLUSIVE") -> Iterator[psycopg.Connection[Any]]:
    """Hold a lock on a table from another session."""
    with warehouse.connect() as connection, connection.transaction():
        connection.execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield connection


PLACES = {
    "staging": ("staging.orders_clean", "staging.events_clean", "staging.products_clean", "staging.loads"),
    "audit": ("audit.bad_records",),
    "warehouse": (
        "warehouse.dim_date", "warehouse.dim_user", "warehouse.dim_product", "warehouse.dim_product_history",
        "warehouse.user_loads", "warehouse.product_loads", "warehouse.fact_orders", "warehouse.fact_events",
        "warehouse.order_owners", "warehouse.orders_superseded", "warehouse.events_superseded",
    ),
}  # fmt: skip


def rows_in_place(warehouse: Warehouse) -> dict[str, list[str]]:
    """Return every row with its partition, transaction and place, so that an UPDATE to the same would show."""
    return {
        table: [
            row.text
            for row in warehouse.rows(
                f"SELECT concat_ws(' ', tableoid, xmin, ctid, t.*::text) AS text FROM {table} t ORDER BY 1"
            )
        ]
        for tables in PLACES.values()
        for table in tables
    }


def worked(warehouse: Warehouse, day: date = DAY) -> dict[str, int]:
    """Return which work of a day's steps was the last, by step."""
    return {
        row.step: row.work_number
        for row in warehouse.rows("SELECT step, work_number FROM audit.step_inputs WHERE run_date = %s", day)
    }


def steps_that_work(warehouse: Warehouse, again: Callable[[], None]) -> set[str]:
    """Return the steps of the day that did something while `again` ran."""
    before = worked(warehouse)
    again()
    return {step for step, number in worked(warehouse).items() if number != before.get(step)}


# What the daily DAG is held to: the steps, and those that each waits for.
ORDER_OF_TASKS: dict[str, set[str]] = {
    "open_run": set(),
    "extract_orders": {"open_run"},
    "extract_events": {"open_run"},
    "extract_products": {"open_run"},
    "clean_orders": {"extract_orders"},
    "clean_events": {"extract_events"},
    "clean_products": {"extract_products"},
    "check_quality": {"clean_orders", "clean_events", "clean_products"},
    "load_dim_date": {"check_quality"},
    "load_dim_user": {"check_quality"},
    "load_dim_product": {"check_quality"},
    "reload_fact_orders": {"load_dim_date", "load_dim_user", "load_dim_product"},
    "reload_fact_events": {"load_dim_date", "load_dim_user", "load_dim_product"},
    "compute_daily_metrics": {"reload_fact_orders", "reload_fact_events"},
}

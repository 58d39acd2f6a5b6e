"""Which advisory locks a routine holds until its transaction ends: what keeps sessions from each other's work.

That they do what they are for is tried elsewhere, with sessions side by side. But a lock that is missing shows there
only if the sessions happen to meet; here it shows always.
"""

from datetime import date
from typing import Any

import pytest

from tests.conftest import Warehouse
from tests.shop import events, orders, product
from tests.steps import DAY, STEPS, put_day

CLASSES = (
    "month", "clean_orders", "clean_events", "clean_products", "check_quality", "load_dim_date", "load_dim_user",
    "load_dim_product", "reload_fact_orders", "reload_fact_events", "compute_daily_metrics", "publish", "runs",
    "load orders", "load events", "load products", "partitions", "summarize", "step is alive", "in use", "input states",
)  # fmt: skip
# Steps hold the month together, and what they read of staging.
MONTH = {"month 2025-12 shared"}
JUDGED = {f"clean_{source} day shared" for source in ("orders", "events", "products")}
DIMENSIONS_OF_FACTS = {f"publish warehouse.{name}" for name in ("dim_date", "dim_product", "dim_user")}

# Besides the lock on the step and its day, which every step but open_run takes.
FIRST_LOAD = {
    "open_run": set(),
    "clean_orders": MONTH | {"publish staging.orders_clean"},
    "clean_events": MONTH | {"publish staging.events_clean"},
    "clean_products": MONTH | {"publish staging.products_clean"},
    "check_quality": MONTH | JUDGED,
    "load_dim_date": MONTH | JUDGED | {"publish warehouse.dim_date"},
    "load_dim_user": MONTH | JUDGED | {"publish warehouse.dim_user"},
    "load_dim_product": MONTH | JUDGED | {"publish warehouse.dim_product"},
    "reload_fact_orders": MONTH | JUDGED | {"publish warehouse.fact_orders", "publish warehouse.daily_metrics"},
    "reload_fact_events": MONTH | JUDGED | {"publish warehouse.fact_events", "publish warehouse.daily_metrics"},
    "compute_daily_metrics": MONTH | JUDGED,
}  # fmt: skip
# What a day that changed as a whole takes besides: a swap proves foreign keys, members are taken away.
SWAPPED = {
    "reload_fact_orders": DIMENSIONS_OF_FACTS,
    "reload_fact_events": DIMENSIONS_OF_FACTS,
    "compute_daily_metrics": {
        "publish warehouse.daily_metrics", "publish warehouse.dim_product", "publish warehouse.dim_user",
    },
}  # fmt: skip


def held(connection: Any) -> set[str]:
    """Return the advisory locks that a session holds, in words."""
    rows = connection.execute(
        """
        SELECT k.name, l.objid::bigint, CASE k.name WHEN 'publish' THEN l.objid::regclass::text END, l.mode
        FROM pg_locks AS l
        LEFT JOIN unnest(%s::text[]) AS k (name)
               ON warehouse._lock_class(k.name)::bigint & 4294967295 = l.classid::bigint
        WHERE l.locktype = 'advisory' AND l.pid = pg_backend_pid() AND l.objsubid = 2
        """,
        [list(CLASSES)],
    ).fetchall()
    number = (DAY - date(2000, 1, 1)).days
    said = set()
    for name, key, table, mode in rows:
        words = {"publish": table, "month": f"{key // 12}-{key % 12 + 1:02}"}
        what = words.get(name, "day" if key == number else "")
        said.add(" ".join(filter(None, [name, what, "shared" if mode == "ShareLock" else ""])))
    return said


def taken(warehouse: Warehouse, statement: str, *parameters: Any) -> set[str]:
    """Return the locks that a session holds after a statement, which is taken back."""
    with warehouse.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute(statement, parameters)
        return held(connection)


def taken_by_step(warehouse: Warehouse, procedure: str) -> tuple[str, set[str]]:
    """Return a step, and the locks that it holds until its transaction ends, but for those of every step."""
    step = procedure.partition(".")[2]
    with warehouse.connect() as connection, connection.transaction(force_rollback=True):
        (step_id,) = connection.execute("SELECT s.step_id FROM audit._start_step(%s, %s) AS s", (step, DAY)).fetchone()
        connection.execute("SELECT audit._perform_step(%s)", (step_id,))
        found = held(connection)
    assert {"runs day", "step is alive"} <= found
    assert (f"{step} day" in found) == (step != "open_run")
    # Who keeps new states of inputs waits for nobody.
    return step, found - {"runs day", "step is alive", "input states", f"{step} day"}


def test_a_step_holds_the_locks_that_the_files_say(warehouse: Warehouse) -> None:
    put_day(warehouse)
    for procedure in STEPS:
        warehouse.call("audit.open_run", DAY)
        step, locks = taken_by_step(warehouse, procedure)
        assert locks == FIRST_LOAD[step], step
        warehouse.call(procedure, DAY)
    # Every row another, and nobody of before.
    warehouse.landing.orders(DAY, orders(20, DAY, product_id="P-98", user_id="U-98"))
    warehouse.landing.events(DAY, events(20, DAY, product_id="P-99", user_id="U-99"))
    warehouse.landing.products(DAY, [product("P-98"), product("P-99")])
    warehouse.deliver(DAY)
    for procedure in STEPS:
        step, locks = taken_by_step(warehouse, procedure)
        wanted = FIRST_LOAD[step] | SWAPPED.get(step, set())
        assert locks == wanted, step
        warehouse.call(procedure, DAY)


def test_whoever_changes_partitions_has_their_month_alone(warehouse: Warehouse) -> None:
    put_day(warehouse)
    warehouse.call("warehouse.run_day", DAY)
    merged = taken(warehouse, "SELECT warehouse._compact_month('warehouse.fact_orders', '2025-12-01')")
    assert merged == {"month 2025-12", "publish warehouse.fact_orders"} | DIMENSIONS_OF_FACTS
    warehouse.execute("UPDATE audit.settings SET value = '30' WHERE name = 'staging_keep_days'")
    drop = "SELECT warehouse._drop_expired('staging.orders_clean', %s, '2026-10-01')"
    dropped = taken(warehouse, drop, f"staging.orders_clean_p_{DAY:%Y_%m_%d}")
    assert dropped == {"month 2025-12", "publish staging.orders_clean"}


@pytest.mark.parametrize("source", ["orders", "events", "products"])
def test_deliveries_of_a_source_and_day_load_one_at_a_time(warehouse: Warehouse, source: str) -> None:
    opened = taken(warehouse, "SELECT raw.open_load(%s, %s, 'a.json', %s)", source, DAY, "0" * 64)
    assert opened == {"in use shared", f"load {source} day"}


def test_one_session_makes_or_summarizes_a_month_of_raw(warehouse: Warehouse) -> None:
    assert taken(warehouse, "SELECT raw.prepare_month(%s)", DAY) == {"partitions"}
    warehouse.execute("SELECT raw.prepare_month(%s)", DAY)
    assert taken(warehouse, "SELECT raw.prepare_month(%s)", DAY) == set()
    assert taken(warehouse, "SELECT raw.summarize_month(%s)", DAY) == {"summarize day"}


def test_a_step_is_recorded_alone_and_its_session_is_known_to_live(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        with connection.transaction(force_rollback=True):
            connection.execute("SELECT audit._start_step('clean_orders', %s)", [DAY])
            assert held(connection) == {"runs day", "step is alive"}
        assert held(connection) == {"step is alive"}


def test_a_step_is_known_to_live_until_others_can_see_how_it_ended(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        (step_id,) = connection.execute("SELECT raw.begin_extract('orders', %s)", [DAY]).fetchone()
        with connection.transaction():
            connection.execute("SELECT raw.end_extract(%s, 0, 0, 0, NULL, NULL)", [step_id])
            assert held(connection) == {"step is alive"}
        assert held(connection) == set()

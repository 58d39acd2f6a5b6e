"""A step whose inputs are those of its last result does nothing; whatever of them changes makes it work again."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from tests.shop import checksums, events, order, orders, product
from tests.test_pipeline_reconcile import rows_in_place

DAY = date(2025, 12, 19)
STEPS = {
    "clean_orders", "clean_events", "clean_products", "check_quality", "load_dim_date", "load_dim_user",
    "load_dim_product", "reload_fact_orders", "reload_fact_events", "compute_daily_metrics",
}  # fmt: skip
CLEANING = {"clean_orders", "clean_events", "clean_products"}
LOADING = STEPS - CLEANING - {"check_quality"}
FROM_EVENTS = STEPS - {"clean_orders", "clean_products", "reload_fact_orders"}


def worked(warehouse: Any, day: date = DAY) -> dict[str, int]:
    """Return which work of a day's steps was the last, by step."""
    return {
        row.step: row.work_number
        for row in warehouse.rows("SELECT step, work_number FROM audit.step_inputs WHERE run_date = %s", day)
    }


def steps_that_work(warehouse: Any, again: Callable[[], None]) -> set[str]:
    """Return the steps of the day that did something while `again` ran."""
    before = worked(warehouse)
    again()
    return {step for step, number in worked(warehouse).items() if number != before.get(step)}


def blocked_day(warehouse: Any) -> None:
    """Run a day that the gate blocks."""
    with pytest.raises(psycopg.Error, match="blocked") as blocked:
        warehouse.call("warehouse.run_day", DAY)
    assert blocked.value.sqlstate == "WH001"


@pytest.fixture
def shop(warehouse: Any) -> Any:
    """A day that ran, with a catalogue and a late order of the day before."""
    landing = warehouse.landing
    landing.orders(DAY, [*orders(30, DAY), order("O-late", DAY - timedelta(days=1)), order("O-bad", DAY, quantity=0)])
    landing.events(DAY, events(40, DAY))
    landing.products(DAY, [product("P-1"), product("P-2")])
    warehouse.run(DAY)
    assert set(worked(warehouse)) == STEPS
    return warehouse


def test_an_unchanged_day_is_run_again_without_work(shop: Any) -> None:
    before, sums = rows_in_place(shop), checksums(shop.connection)
    verdicts = shop.rows("SELECT rule_name, passed, observed, message FROM audit.dq_results ORDER BY rule_name")
    first = shop.value("SELECT max(run_id) FROM audit.pipeline_runs")
    assert steps_that_work(shop, lambda: shop.run(DAY)) == set()
    assert rows_in_place(shop) == before
    assert checksums(shop.connection) == sums
    # The new run says of itself all that a run says.
    run = shop.row("SELECT * FROM audit.pipeline_runs ORDER BY run_id DESC LIMIT 1")
    assert (run.status, run.run_id > first) == ("succeeded", True)
    again = "SELECT rule_name, passed, observed, message FROM audit.dq_results WHERE run_id = %s ORDER BY rule_name"
    assert shop.rows(again, run.run_id) == verdicts
    assert shop.value("SELECT run_id FROM audit.gate_verdicts") == run.run_id
    counts = "SELECT step, rows_in, rows_rejected FROM audit.pipeline_steps WHERE run_id = %s ORDER BY step"
    assert shop.rows(counts, run.run_id) == shop.rows(counts, first)


WORK = """
    SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint AS written,
           sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint AS read
    FROM pg_stat_user_tables
"""


def test_an_unchanged_day_reads_and_writes_next_to_nothing(warehouse: Any) -> None:
    """What is written and read is the records of the run: the same for thousands of rows as for ten."""
    work = []
    for day, count in ((DAY, 10), (DAY + timedelta(days=1), 3000)):
        warehouse.landing.orders(day, orders(count, day))
        warehouse.landing.events(day, events(count, day))
        warehouse.run(day)
        warehouse.call("warehouse.run_day", day)
        counts = []
        for _ in range(2):
            warehouse.execute("SELECT pg_stat_force_next_flush()")
            warehouse.execute("SELECT pg_stat_clear_snapshot()")
            counts.append(warehouse.row(WORK))
            warehouse.call("warehouse.run_day", day)
        work.append((counts[1].written - counts[0].written, counts[1].read - counts[0].read))
    (few_written, few_read), (many_written, many_read) = work
    assert many_written <= few_written + 10, work
    assert many_read <= few_read + 300, work


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        ("UPDATE audit.settings SET value = '399' WHERE name = 'oldest_order_days'", STEPS),
        ("INSERT INTO staging.codes (kind, source_value, canonical_value) VALUES ('order_status', 'x', 'paid')", STEPS),
        ("UPDATE warehouse.order_statuses SET counts_as_sale = NOT counts_as_sale WHERE status = 'paid'", STEPS),
        ("UPDATE audit.dq_rules SET enabled = false WHERE rule_name = 'orders_range'", {"check_quality"}),
        ("UPDATE audit.dq_rules SET severity = 'warning' WHERE rule_name = 'orders_range'", {"check_quality"}),
        ("DELETE FROM audit.step_inputs", STEPS),
        ("DELETE FROM audit.step_inputs WHERE step = 'load_dim_user'", {"load_dim_user"}),
        ("DELETE FROM audit.gate_verdicts", {"check_quality"}),
        ("UPDATE audit.settings SET value = '0' WHERE name = 'skip_unchanged'", STEPS),
        ("ALTER FUNCTION staging._trimmed(text) COST 2", STEPS),
        ("DROP TABLE staging.events_clean_p_2025_12_19", FROM_EVENTS),
    ],
)
def test_whatever_changes_of_the_inputs_makes_the_steps_work(shop: Any, change: str, steps: set[str]) -> None:
    shop.execute(change)
    assert steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY)) == steps


def test_a_redelivery_makes_work_for_what_follows_from_it(shop: Any) -> None:
    shop.landing.events(DAY, events(41, DAY))
    again = steps_that_work(shop, lambda: shop.run(DAY))
    assert again == FROM_EVENTS
    assert shop.value("SELECT fact_events_count FROM warehouse.daily_metrics WHERE run_date = %s", DAY) == 41


def test_a_refused_delivery_is_cleaned_and_changes_nothing_else(shop: Any) -> None:
    shop.landing.put("orders", DAY, "other.json", "[{]")
    assert "clean_orders" in steps_that_work(shop, lambda: shop.run(DAY))
    reason = "SELECT failure_reason FROM audit.bad_records WHERE file_name = 'other.json'"
    assert "JSON" in shop.value(reason)


def test_a_day_that_changed_elsewhere_is_judged_anew(shop: Any) -> None:
    """A rule may look at other days; facts that another day took over are counted again."""
    other = DAY + timedelta(days=1)
    shop.landing.orders(other, [*orders(30, other), order(f"O-{DAY}-1", DAY, quantity=7)])
    shop.landing.events(other, events(40, other))
    shop.run(other)
    again = steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY))
    assert again == {"check_quality", "compute_daily_metrics"}
    assert steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY)) == set()


def test_a_blocked_day_is_judged_every_time(warehouse: Any) -> None:
    warehouse.landing.orders(DAY, orders(20, DAY))
    warehouse.deliver(DAY)
    blocked_day(warehouse)
    assert steps_that_work(warehouse, lambda: blocked_day(warehouse)) == {"check_quality"}
    warehouse.execute("CALL audit.allow_day(%s, 'a quiet Friday')", DAY)
    assert steps_that_work(warehouse, lambda: warehouse.call("warehouse.run_day", DAY)) >= LOADING


def test_a_compacted_month_is_still_the_result(shop: Any) -> None:
    shop.call("warehouse.compact_partitions", DAY + timedelta(days=60))
    assert shop.value("SELECT warehouse._partition_of('warehouse.fact_orders', %s)::text", DAY).endswith("_p_2025_12")
    assert steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY)) == set()

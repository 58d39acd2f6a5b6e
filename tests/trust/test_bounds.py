"""What is kept of a delivery's faults, and for how long, is bounded: by the delivery's bytes, and by settings.

See docs/explanation/trust.md, "Hostile input is taken or rejected, and never believed".
"""

import json
import random
import string
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_postgresql.executors.noop import NoopExecutor

from tests.conftest import Warehouse, copy_of, new_warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.shop import basket, item, order

# Together: they share an old warehouse.
pytestmark = pytest.mark.xdist_group("bounds")
DAY = date(2025, 12, 19)
BYTES_PER_BYTE = 10  # what a delivery may cost on disk, for each of its bytes

SIZES = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('raw', 'staging', 'warehouse', 'audit') AND c.relkind IN ('r', 'm')
"""


def cost(warehouse: Warehouse, files: dict[tuple[str, str], str]) -> tuple[int, int]:
    """Deliver files and run the day; return how many bytes came, and how many more the database has than before."""
    # Tables and partitions that are there whatever is delivered are not the delivery's cost.
    warehouse.landing.orders(date(2025, 12, 18), [order("O-before", "2025-12-18")])
    warehouse.landing.put("events", date(2025, 12, 18), "events.csv", "event_id,event_type,event_ts\n")
    warehouse.execute("UPDATE audit.dq_rules SET enabled = false")
    warehouse.run(date(2025, 12, 18))
    before = warehouse.value(SIZES)
    for (source, name), text in files.items():
        warehouse.landing.put(source, DAY, name, text)
    if not any(source == "events" for source, _ in files):
        warehouse.landing.put("events", DAY, "events.csv", "event_id,event_type,event_ts\n")
    if not any(source == "orders" for source, _ in files):
        warehouse.landing.put("orders", DAY, "orders.json", "[]")
    warehouse.run(DAY)
    return sum(len(text.encode()) for text in files.values()), warehouse.value(SIZES) - before


def counts(warehouse: Warehouse, source: str) -> tuple[int, int, int, int]:
    """Return what staging says of a source's lines: delivered, clean, duplicate, rejected."""
    return tuple(
        warehouse.row(
            "SELECT delivered_count, clean_count, duplicate_count, rejected_count FROM staging.loads"
            " WHERE load_date = %s AND source = %s",
            DAY,
            source,
        )
    )


def padded_order(number: int, items: int, one: str = "0", pad: int = 0) -> str:
    """Return an order of many items. Its padding is of letters that do not pack."""
    letters = "".join(random.Random(number).choices(string.ascii_letters + string.digits, k=pad))
    head = json.dumps(order(f"O-{number}", pad=letters), default=str)[:-1]
    return head + ', "items": [' + ",".join([one] * items) + "]}"


@pytest.mark.once  # sizes of rows, which no version changes
def test_orders_of_thousands_of_items_that_are_none_cost_a_few_times_their_bytes(warehouse: Warehouse) -> None:
    text = "[" + ",".join(padded_order(n, 2000, pad=3900) for n in range(8)) + "]"
    delivered, stored = cost(warehouse, {("orders", "orders.json"): text})
    assert counts(warehouse, "orders") == (16_000, 0, 0, 16_000)
    assert stored <= BYTES_PER_BYTE * delivered


@pytest.mark.once
def test_records_of_nothing_cost_raw_a_row_each_and_audit_a_few_times_their_bytes(warehouse: Warehouse) -> None:
    delivered, _ = cost(warehouse, {("orders", "orders.json"): "[" + ",".join(["{}"] * 8_000) + "]"})
    assert counts(warehouse, "orders") == (8_000, 0, 0, 8_000)
    assert warehouse.value("SELECT sum(line_count) FROM audit.bad_records") == 8_000
    assert warehouse.value("SELECT count(*) FROM audit.bad_records WHERE line_count > 1") == 1
    rows = warehouse.value("SELECT sum(pg_column_size(b.*)) FROM audit.bad_records b")
    assert rows <= BYTES_PER_BYTE * (delivered + 16384)


@pytest.mark.once
def test_lines_that_raw_cannot_take_are_not_copied_without_bound(warehouse: Warehouse) -> None:
    # Without one that can be read it would be one refusal.
    delivered, _ = cost(warehouse, {("orders", "orders.ndjson"): "{}\n" + "{\n" * 8_000})
    assert counts(warehouse, "orders") == (8_001, 0, 0, 8_001)
    assert warehouse.value("SELECT sum(line_count) FROM audit.bad_records") == 8_001
    rows = warehouse.value("SELECT sum(pg_column_size(b.*)) FROM audit.bad_records b")
    assert rows <= BYTES_PER_BYTE * (delivered + 16384)


@pytest.mark.once
def test_what_cannot_be_read_is_kept_in_no_more_bytes_than_it_has(warehouse: Warehouse) -> None:
    """A byte that is no text is told in four: of 64 KiB of them the first 16 KiB are told."""
    warehouse.landing.path("orders", DAY).mkdir(parents=True, exist_ok=True)
    # After a good one: a file that begins with no text is refused as a whole.
    good = json.dumps(order("O-1", DAY), default=str).encode()
    (warehouse.landing.path("orders", DAY) / "orders.ndjson").write_bytes(good + b"\n" + b"\xff" * 200_000 + b"\n")
    warehouse.deliver(DAY)
    warehouse.call("staging.clean_orders", DAY)
    row = warehouse.row("SELECT line_count, octet_length(raw_data) AS bytes FROM audit.bad_records")
    assert tuple(row) == (1, 65536)


@pytest.mark.once
def test_wide_events_that_are_refused_cost_a_few_times_their_bytes(warehouse: Warehouse) -> None:
    wide = ",".join(f"c{n}" for n in range(200))
    lines = [f"E-{n},click,never," + ",".join(f"{n}{k}" for k in range(200)) for n in range(200)]
    text = f"event_id,event_type,event_ts,{wide}\n" + "\n".join(lines) + "\n"
    delivered, stored = cost(warehouse, {("events", "wide.csv"): text})
    assert counts(warehouse, "events") == (200, 0, 0, 200)
    assert stored <= BYTES_PER_BYTE * delivered


def test_the_rest_of_a_records_lines_is_one_row_with_all_their_reasons(warehouse: Warehouse) -> None:
    items = [item(f"P-{n}", quantity=0) for n in range(25)] + [item("P-good"), item("P-x", price=-1), item(None)]
    warehouse.landing.orders(DAY, [basket("B", items)])
    warehouse.deliver(DAY)
    warehouse.call("staging.clean_orders", DAY)
    assert counts(warehouse, "orders") == (28, 0, 0, 28)
    rows = warehouse.rows(
        "SELECT item_number, line_count, failure_reason, record_id, raw_data FROM audit.bad_records"
        " ORDER BY item_number"
    )
    assert [(row.item_number, row.line_count) for row in rows] == [*((n, 1) for n in range(1, 21)), (21, 8)]
    assert {row.record_id for row in rows} == {"B"}
    assert {row.failure_reason for row in rows[:20]} == {"quantity is not a number above 0"}
    assert rows[20].failure_reason == (
        "quantity is not a number above 0;"
        " line 1 of the order is rejected: quantity is not a number above 0;"
        " price is not a number of at least 0; product_id is missing"
    )
    # The order stands there once; of its other lines the item.
    assert json.loads(rows[0].raw_data)["order_id"] == "B"
    assert [json.loads(row.raw_data)["product_id"] for row in rows[1:]] == [f"P-{n}" for n in range(1, 21)]


def test_bounds_that_are_off_write_every_line_out_and_a_rerun_changes_nothing(warehouse: Warehouse) -> None:
    warehouse.landing.put("orders", DAY, "orders.json", "[" + padded_order(1, 300) + "]")
    warehouse.deliver(DAY)
    warehouse.call("staging.clean_orders", DAY)
    total = "SELECT count(*) AS rows, sum(line_count) AS lines FROM audit.bad_records"
    assert tuple(warehouse.row(total)) == (21, 300)
    everything = "SELECT xmin::text, b::text FROM audit.bad_records b ORDER BY bad_record_id"
    before = warehouse.rows(everything)
    warehouse.execute("DELETE FROM audit.step_inputs")
    warehouse.call("staging.clean_orders", DAY)
    assert warehouse.rows(everything) == before
    warehouse.execute(
        "UPDATE audit.settings SET value = NULL WHERE name IN ('bad_lines_per_record', 'bad_records_times_bytes')"
    )
    warehouse.call("staging.clean_orders", DAY)
    assert tuple(warehouse.row(total)) == (300, 300)
    warehouse.execute("UPDATE audit.settings SET value = '0' WHERE name = 'bad_lines_per_record'")
    warehouse.call("staging.clean_orders", DAY)
    assert tuple(warehouse.row(total)) == (1, 300)


def test_reports_that_a_later_one_replaced_leave_no_room_behind(warehouse: Warehouse) -> None:
    """A report of three hundred lines that comes twenty times is once in staging, and takes the room of once."""
    one = padded_order(1, 300, one='{"product_id":1,"quantity":1,"price":1}')
    text = "\n".join([one] * 20) + "\n"
    cost(warehouse, {("orders", "orders.ndjson"): text})
    assert counts(warehouse, "orders") == (6_000, 300, 5_700, 0)
    assert warehouse.value("SELECT pg_relation_size('staging.orders_clean_p_2025_12_19')") < 100_000


# -- retention of audit ------------------------------------------------------------------------------

OLD, NEWER = date(2025, 11, 10), date(2025, 11, 20)
BEFORE = date(2026, 2, 28)


@pytest.fixture(scope="module")
def aged_once(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The shop below, to be copied."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("aged")) as made:
        grow_old(made)
        yield made


@pytest.fixture
def aged(aged_once: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """Two days of November with a rejected line each, run three times in their time; one let through."""
    with copy_of(aged_once, tmp_path) as made:
        yield made


def grow_old(warehouse: Warehouse) -> None:
    """Load the two days."""
    warehouse.execute("UPDATE audit.dq_rules SET enabled = rule_name = 'orders_rejected_share_max'")
    for day in (OLD, NEWER):
        warehouse.landing.orders(day, [order(f"O-{day}", day), order(f"X-{day}", day, quantity=0)])
        warehouse.landing.events(day, [])
        warehouse.deliver(day)
        with pytest.raises(psycopg.Error) as caught:
            warehouse.call("warehouse.run_day", day)
        assert caught.value.sqlstate == "WH001"
        warehouse.call("audit.allow_day", day, "a test")
        for _ in range(2):
            warehouse.call("warehouse.run_day", day)
    warehouse.execute("UPDATE audit.pipeline_runs SET started_at = run_date + interval '30 hours'")


def kept(warehouse: Warehouse) -> dict[str, list[Any]]:
    """Return what audit has of each day: its runs, and how many rows of each kind."""
    return {
        str(row.run_date): [row.runs, row.steps > 0, row.results, row.verdicts, row.inputs > 0, row.bad]
        for row in warehouse.rows(
            """
            SELECT d.run_date,
                   (SELECT count(*) FROM audit.pipeline_runs r WHERE r.run_date = d.run_date) AS runs,
                   (SELECT count(*) FROM audit.pipeline_steps s JOIN audit.pipeline_runs r USING (run_id)
                    WHERE r.run_date = d.run_date) AS steps,
                   (SELECT count(*) FROM audit.dq_results q WHERE q.run_date = d.run_date) AS results,
                   (SELECT count(*) FROM audit.gate_verdicts g WHERE g.run_date = d.run_date) AS verdicts,
                   (SELECT count(*) FROM audit.step_inputs i WHERE i.run_date = d.run_date) AS inputs,
                   (SELECT coalesce(sum(line_count), 0)::integer FROM audit.bad_records b
                    WHERE b.run_date = d.run_date) AS bad
            FROM (VALUES (%s), (%s)) AS d (run_date)""",
            OLD,
            NEWER,
        )
    }


def keep_days(warehouse: Warehouse, **days: int) -> None:
    """Set settings of retention, and compact."""
    for name, value in days.items():
        warehouse.execute("UPDATE audit.settings SET value = %s WHERE name = %s", str(value), name)
    warehouse.notices.clear()
    warehouse.call("warehouse.compact_partitions", BEFORE)


def test_audit_is_kept_for_ever_unless_a_setting_says_otherwise(aged: Warehouse) -> None:
    whole = kept(aged)
    assert [one[0] for one in whole.values()] == [3, 3]
    keep_days(aged, staging_keep_days=0)
    assert kept(aged) == whole


def test_audit_of_a_day_that_staging_has_keeps_its_last_verdict_and_its_rejected_rows(aged: Warehouse) -> None:
    overrides = aged.rows("SELECT * FROM audit.dq_overrides")
    verdicts = aged.rows("SELECT * FROM audit.gate_verdicts ORDER BY 1")
    # To the day: what began on the first day that is kept stays.
    age = (BEFORE - OLD).days - 1
    keep_days(aged, audit_keep_days=age)
    assert [one[0] for one in kept(aged).values()] == [3, 3]
    keep_days(aged, audit_keep_days=age - 1)
    assert kept(aged) == {str(OLD): [2, True, 2, 1, True, 1], str(NEWER): [3, True, 3, 1, True, 1]}
    assert aged.notices[-1:] == [f"audit of {OLD}: 1 runs and 0 rejected rows dropped"]
    # The first run is the one that the override let through; the last is the verdict's, and the newest.
    assert aged.rows("SELECT * FROM audit.dq_overrides") == overrides
    assert aged.rows("SELECT * FROM audit.gate_verdicts ORDER BY 1") == verdicts
    keep_days(aged, audit_keep_days=age - 1)
    assert aged.notices == []
    for day in (OLD, NEWER):
        aged.call("warehouse.run_day", day)
        assert not broken_promises(aged.connection)


def test_rejected_rows_go_with_the_staging_of_their_day_and_come_back_with_it(aged: Warehouse) -> None:
    rejected = "SELECT run_date, record_id, failure_reason, raw_data FROM audit.bad_records ORDER BY 1"
    before = aged.rows(rejected)
    keep_days(aged, staging_keep_days=0, audit_keep_days=30)
    assert [one[3:] for one in kept(aged).values()] == [[1, False, 0], [1, False, 0]]
    assert [one[0] for one in kept(aged).values()] == [2, 2]
    aged.execute(RULES_OFF)  # what was let through was another staging
    for day in (OLD, NEWER):
        aged.call("warehouse.run_day", day)
    assert aged.rows(rejected) == before
    assert not broken_promises(aged.connection)
    # Their last runs are young now: nothing of the days goes.
    keep_days(aged, staging_keep_days=0, audit_keep_days=30)
    assert [one[5] for one in kept(aged).values()] == [1, 1]


def test_what_runs_is_not_dropped_from_under_its_step(aged: Warehouse) -> None:
    aged.execute("UPDATE audit.settings SET value = '30' WHERE name = 'audit_keep_days'")
    with aged.connect() as other, other.transaction():
        other.execute("SELECT warehouse._lock_month_shared(%s)", [OLD])
        session = aged.connect()
        session.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.Error) as caught:
            session.execute("SELECT warehouse._drop_expired_audit(%s, %s)", [OLD, BEFORE])
        assert caught.value.sqlstate == "WH006"
    with aged.connect("warehouse_runner") as runner:
        runner.execute("CALL warehouse.compact_partitions(%s)", [BEFORE])
    assert [one[0] for one in kept(aged).values()] == [2, 2]

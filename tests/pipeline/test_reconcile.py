"""Nothing is lost: the counts of a loaded day, and what a repetition of it may change (nothing)."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Warehouse
from tests.promises import RULES_OFF
from tests.shop import basket, checksums, event, events, item, order, orders, product
from tests.steps import rows_in_place

FRIDAY = date(2025, 12, 19)


# Ids, times and even the physical place of every row that a day produces, but not of run records.
def deliver_messy_day(warehouse: Warehouse, day: date = FRIDAY, name_suffix: str = "") -> None:
    """A day with everything: duplicates, rejections of each kind, baskets, two files, a refused file, a catalogue."""
    landing = warehouse.landing
    landing.orders(
        day,
        [
            *orders(40, day),
            order("O-twice", day, quantity=1),
            order("O-bad", day, quantity=-1),
            basket("O-basket", [item("P-1"), item("P-2", quantity=0), item("P-3")], day),
            basket("O-empty", [], day),
        ],
        name="a.json" + name_suffix,
    )
    lines = '{"order_id": "O-cut", "quantity":\n{"order_id": "O-\\u0000"}\n'
    landing.put("orders", day, "b.ndjson" + name_suffix, lines + _line(order("O-twice", day, quantity=3)))
    landing.put("orders", day, "c.json" + name_suffix, '[{"order_id": "O-refused"}')
    landing.events(
        day,
        [
            *events(40, day),
            event("E-twice", day),
            event("E-twice", day, product_id="P-9"),
            event("E-bad", day, event_ts="?"),
        ],
        name="events.csv" + name_suffix,
    )  # fmt: skip
    landing.products(
        day,
        [product("P-1"), product("P-2"), product("P-2", current_price=3), product("P-x", current_price="?")],
        name="products.json" + name_suffix,
    )


def _line(record: dict[str, Any]) -> str:
    from tests.shop import _text

    return _text(record) + "\n"


@pytest.fixture
def loaded(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A warehouse with the messy day loaded."""
    deliver_messy_day(warehouse)
    warehouse.run(FRIDAY)
    return warehouse


def test_what_was_delivered_is_clean_duplicate_or_rejected(loaded: Warehouse) -> None:
    counts = {
        row.source: row[1:]
        for row in loaded.rows(
            "SELECT source, raw_count, delivered_count, clean_count, duplicate_count, rejected_count FROM staging.loads"
        )
    }
    # orders: 40 + 2 reports of one + bad + basket of 3 + empty + \u0000 = 47 lines in 46 rows less the basket's
    # two more lines; a cut line and a refused file are a line each. The basket's bad line rejects its other two.
    assert counts == {
        "orders": (46, 50, 41, 1, 8),
        "events": (43, 43, 41, 1, 1),
        "products": (4, 4, 2, 1, 1),
    }
    assert loaded.value("SELECT sum(line_count) FROM audit.bad_records") == 8 + 1 + 1


@pytest.mark.once
def test_the_metrics_of_a_day_are_what_its_tables_hold(loaded: Warehouse) -> None:
    metrics = loaded.row("SELECT * FROM warehouse.daily_metrics")
    assert metrics.run_date == FRIDAY
    assert metrics.status == "succeeded"
    assert metrics.raw_orders_count == loaded.value("SELECT count(*) FROM raw.orders_json") == 46
    assert metrics.raw_order_lines_count == 50
    assert metrics.raw_events_count == loaded.value("SELECT count(*) FROM raw.events_csv") == 43
    assert metrics.raw_order_lines_count == (
        metrics.staging_orders_count + metrics.duplicate_orders_count + metrics.rejected_orders_count
    )
    assert metrics.raw_events_count == (
        metrics.staging_events_count + metrics.duplicate_events_count + metrics.rejected_events_count
    )
    assert metrics.staging_orders_count == metrics.fact_orders_count + metrics.superseded_orders_count
    assert metrics.staging_events_count == metrics.fact_events_count + metrics.superseded_events_count
    for table in ("orders", "events"):
        assert (
            loaded.value(f"SELECT count(*) FROM staging.{table}_clean") == metrics._asdict()[f"staging_{table}_count"]
        )
        assert loaded.value(f"SELECT count(*) FROM warehouse.fact_{table}") == metrics._asdict()[f"fact_{table}_count"]
        assert (
            loaded.value("SELECT sum(line_count) FROM audit.bad_records WHERE source_table LIKE %s", f"raw.{table}%")
            == metrics._asdict()[f"rejected_{table}_count"]
        )
    assert metrics.revenue == loaded.value("SELECT sum(revenue) FROM warehouse.fact_orders")
    assert metrics.net_revenue == loaded.value(
        "SELECT sum(revenue) FROM warehouse.fact_orders"
        " JOIN warehouse.order_statuses USING (status) WHERE counts_as_sale"
    )
    assert metrics.dq_failed_count == loaded.value("SELECT sum(failed_count) FROM audit.dq_results")
    assert metrics.runtime_seconds > 0
    assert metrics.rows_per_second > 0


def test_every_clean_line_is_traced_from_file_to_fact(loaded: Warehouse) -> None:
    assert loaded.value("SELECT count(*) FROM audit.lineage") == 41
    assert loaded.value("SELECT count(*) FROM audit.lineage WHERE fact_orders_id IS NULL") == 0
    traced = loaded.row("SELECT * FROM audit.lineage WHERE order_id = 'O-twice'")
    assert (traced.file_name, traced.file_line_number) == ("b.ndjson", 3)
    assert (
        loaded.value(
            "SELECT count(*) FROM staging.orders_clean WHERE staging_orders_id <> raw_orders_id * 1000000 + line_number"
        )
        == 0
    )
    assert loaded.value("SELECT count(*) FROM warehouse.fact_orders WHERE fact_orders_id <> staging_orders_id") == 0
    assert loaded.value("SELECT count(*) FROM staging.events_clean WHERE staging_events_id <> raw_events_id") == 0


@pytest.mark.once
def test_a_clean_line_that_is_no_fact_yet_or_no_more_is_traced_to_staging(loaded: Warehouse) -> None:
    saturday = FRIDAY + timedelta(days=1)
    loaded.landing.orders(saturday, [order("O-twice", FRIDAY, quantity=5)])
    loaded.deliver(saturday)
    loaded.call("staging.clean_orders", saturday)
    facts = "SELECT load_date, fact_orders_id FROM audit.lineage WHERE order_id = 'O-twice' ORDER BY load_date"
    friday, coming = loaded.rows(facts)
    assert (friday.load_date, coming) == (FRIDAY, (saturday, None))
    assert friday.fact_orders_id is not None
    loaded.execute(RULES_OFF)
    loaded.call("warehouse.run_day", saturday)
    friday, coming = loaded.rows(facts)
    assert friday == (FRIDAY, None)
    assert coming.fact_orders_id is not None


def test_a_second_run_changes_no_row(loaded: Warehouse) -> None:
    before = rows_in_place(loaded)
    loaded.call("warehouse.run_day", FRIDAY)
    assert rows_in_place(loaded) == before
    assert loaded.value("SELECT count(*) FROM audit.pipeline_runs WHERE status = 'succeeded'") == 2


@pytest.mark.once
def test_each_step_alone_and_again_changes_no_row(loaded: Warehouse) -> None:
    before = rows_in_place(loaded)
    for step in PUBLIC_STEPS:
        loaded.call(step, FRIDAY)
        loaded.call(step, FRIDAY)
        assert rows_in_place(loaded) == before, step


PUBLIC_STEPS = (
    "audit.open_run", "staging.clean_orders", "staging.clean_events", "staging.clean_products", "audit.check_quality",
    "warehouse.load_dim_date", "warehouse.load_dim_user", "warehouse.load_dim_product",
    "warehouse.reload_fact_orders", "warehouse.reload_fact_events", "warehouse.compute_daily_metrics",
)  # fmt: skip


@pytest.mark.once
def test_the_same_bytes_again_change_no_row(loaded: Warehouse) -> None:
    before = rows_in_place(loaded)
    raw_before = checksums(loaded.connection, ["raw"])
    loaded.run(FRIDAY)
    assert rows_in_place(loaded) == before
    assert checksums(loaded.connection, ["raw"]) == raw_before


@pytest.mark.once
def test_the_same_bytes_compressed_are_the_same_delivery(loaded: Warehouse) -> None:
    before = rows_in_place(loaded)
    raw_before = checksums(loaded.connection, ["raw"])
    for source in ("orders", "events", "products"):
        for path in sorted(loaded.landing.path(source, FRIDAY).iterdir()):
            loaded.landing.remove(source, FRIDAY, path.name)
    deliver_messy_day(loaded, name_suffix=".gz")
    loaded.run(FRIDAY)
    assert rows_in_place(loaded) == before
    assert checksums(loaded.connection, ["raw"]) == raw_before


@pytest.mark.once
def test_other_bytes_with_the_same_records_change_no_business_row(loaded: Warehouse) -> None:
    """The raw rows are new, the staging rows say the same: they stay, with their ids and times."""
    kept = {
        table: rows for table, rows in rows_in_place(loaded).items() if "loads" not in table and "audit" not in table
    }
    path = loaded.landing.path("orders", FRIDAY) / "a.json"
    loaded.landing.put("orders", FRIDAY, "a.json", path.read_text() + "\n")
    loaded.run(FRIDAY)
    assert {table: rows for table, rows in rows_in_place(loaded).items() if table in kept} == kept


@pytest.mark.once
def test_an_earlier_good_delivery_stays_in_force_when_a_later_one_is_refused(loaded: Warehouse) -> None:
    before = checksums(loaded.connection)
    loaded.landing.put("orders", FRIDAY, "a.json", '[{"order_id": "O-1"}')
    loaded.deliver(FRIDAY)
    loaded.call("warehouse.run_day", FRIDAY)
    assert checksums(loaded.connection) == before


@pytest.mark.once
def test_a_corrected_delivery_takes_the_place_of_the_first_in_everything_but_raw(loaded: Warehouse) -> None:
    raw_before = loaded.value("SELECT count(*) FROM raw.orders_json")
    loaded.landing.orders(FRIDAY, orders(10, FRIDAY, quantity=5), name="a.json")
    loaded.run(FRIDAY)
    assert loaded.value("SELECT count(*) FROM raw.orders_json") == raw_before + 10
    assert loaded.value("SELECT count(*) FROM warehouse.fact_orders WHERE order_id <> 'O-twice'") == 10
    assert loaded.value("SELECT count(*) FROM warehouse.fact_orders WHERE quantity = 5") == 10
    assert loaded.value("SELECT count(*) FROM audit.bad_records WHERE file_name = 'a.json'") == 0


@pytest.mark.once
def test_a_correction_of_one_line_leaves_the_others_as_they_are(loaded: Warehouse) -> None:
    def others() -> list[Any]:
        return loaded.rows(
            "SELECT ctid, xmin::text, f.* FROM warehouse.fact_orders f"
            " WHERE order_id <> 'O-2025-12-19-7' ORDER BY order_id, line_number"
        )

    before = others()
    changed = orders(40, FRIDAY)
    changed[6]["status"] = "cancelled"
    loaded.landing.orders(
        FRIDAY,
        [*changed, basket("O-basket", [item("P-1"), item("P-2", quantity=0), item("P-3")], FRIDAY)],
        name="a.json",
    )
    loaded.run(FRIDAY)
    assert others() == before
    assert loaded.value("SELECT status FROM warehouse.fact_orders WHERE order_id = 'O-2025-12-19-7'") == "cancelled"
    row = loaded.row("SELECT created_at, updated_at FROM staging.orders_clean WHERE order_id = 'O-2025-12-19-7'")
    assert row.created_at < row.updated_at


@pytest.mark.once
def test_days_beside_each_other_each_reconcile(warehouse: Warehouse) -> None:
    for day in (FRIDAY, FRIDAY + timedelta(1), FRIDAY + timedelta(2)):
        deliver_messy_day(warehouse, day)
        warehouse.run(day)
    wrong = warehouse.rows(
        "SELECT * FROM warehouse.daily_metrics m"
        " WHERE status <> 'succeeded'"
        "    OR raw_order_lines_count <> staging_orders_count + duplicate_orders_count + rejected_orders_count"
        "    OR raw_events_count <> staging_events_count + duplicate_events_count + rejected_events_count"
        "    OR staging_orders_count <> fact_orders_count + superseded_orders_count"
        "    OR staging_events_count <> fact_events_count + superseded_events_count"
        "    OR staging_orders_count <> (SELECT count(*) FROM staging.orders_clean s WHERE s.load_date = m.run_date)"
        "    OR fact_orders_count <> (SELECT count(*) FROM warehouse.fact_orders f WHERE f.load_date = m.run_date)"
        "    OR fact_events_count <> (SELECT count(*) FROM warehouse.fact_events f WHERE f.load_date = m.run_date)"
    )
    assert wrong == []
    assert warehouse.value("SELECT count(*) FROM warehouse.daily_metrics") == 3
    # O-twice came on each day: the last one has it. O-basket is rejected whole on each.
    assert warehouse.value("SELECT sum(superseded_orders_count) FROM warehouse.daily_metrics") == 2


@pytest.mark.once
def test_a_day_without_a_delivery_is_blocked_and_has_its_row_of_metrics(warehouse: Warehouse) -> None:
    import psycopg

    with pytest.raises(psycopg.Error) as raised:
        warehouse.call("warehouse.run_day", FRIDAY)
    assert raised.value.sqlstate == "WH001"
    assert warehouse.value("SELECT status FROM warehouse.daily_metrics") == "blocked"


def test_no_row_of_a_day_can_stand_twice(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    warehouse.landing.orders(FRIDAY, orders(3, FRIDAY))
    warehouse.landing.events(FRIDAY, events(3, FRIDAY))
    warehouse.landing.products(FRIDAY, [product()])
    warehouse.run(FRIDAY)
    for table in ("staging.orders_clean", "staging.events_clean", "staging.products_clean",
                  "warehouse.fact_orders", "warehouse.fact_events"):  # fmt: skip
        with pytest.raises(psycopg.errors.UniqueViolation):
            warehouse.execute(f"INSERT INTO {table} SELECT * FROM {table}")


@pytest.mark.once
def test_the_calendar_knows_each_day(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    warehouse.landing.orders(FRIDAY, orders(1, FRIDAY))
    warehouse.run(FRIDAY)
    days = {row.date_id: row for row in warehouse.rows("SELECT * FROM warehouse.dim_date")}
    assert tuple(days[20241230]) == (
        20241230, date(2024, 12, 30), 30, 1, 12, 4, 2024, 2025, 1, 365, "Monday", "December", False, False,
    )  # fmt: skip
    assert [day for day, row in days.items() if row.is_month_end and row.year == 2025 and row.month in (2, 12)] == [
        20250228, 20251231,
    ]  # fmt: skip
    assert sum(row.is_weekend for row in days.values() if row.month == 12 and row.year == 2025) == 8
    assert (min(days), max(days), len(days)) == (20240101, 20251231, 731)


@pytest.mark.once
def test_without_a_limit_an_order_may_be_a_hundred_years_old(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    warehouse.execute("UPDATE audit.settings SET value = NULL WHERE name = 'oldest_order_days'")
    oldest = FRIDAY - timedelta(days=36525)
    warehouse.landing.orders(FRIDAY, [order("O-old", oldest), order("O-older", oldest - timedelta(days=1))])
    warehouse.run(FRIDAY)
    assert warehouse.rows("SELECT order_id, date_id FROM warehouse.fact_orders") == [("O-old", 19251219)]
    assert warehouse.value("SELECT failure_reason FROM audit.bad_records") == (
        "timestamp is older than oldest_order_days"
    )


@pytest.mark.once
def test_the_metrics_count_what_the_newest_verdict_says(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    warehouse.landing.events(FRIDAY, [*events(1, FRIDAY), event("E-odd", FRIDAY, event_type="unboxing")])
    warehouse.run(FRIDAY)
    assert warehouse.value("SELECT dq_failed_count FROM warehouse.daily_metrics") == 1
    warehouse.landing.events(FRIDAY, events(2, FRIDAY))
    warehouse.run(FRIDAY)
    assert warehouse.value("SELECT dq_failed_count FROM warehouse.daily_metrics") == 0

"""An order stands whole or not at all: a bad line, reports that contradict each other, and what the last report is."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from glue.extract import extract
from tests.conftest import Warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.real_world import needs_real_world, put_case
from tests.shop import basket, item, order

# Arithmetic and joins, the same on every version.
pytestmark = pytest.mark.once

DAY = date(2025, 12, 19)
NO_QUANTITY = "quantity is not a number above 0"
CUSTOMERS = "conflict: this file reports the order for more than one customer"
LINES = (
    "conflict: this file reports the order more than once with the same time, status and updated_at, but with other"
    " lines. A delivery with a row per line needs a shape (staging.shapes, rows_are 'lines')"
)


def clean(warehouse: Warehouse, records: Iterable[Any], name: str = "orders.ndjson", day: date = DAY) -> None:
    """Deliver and clean orders."""
    warehouse.landing.orders(day, records, name)
    extract("orders", day, dsn=warehouse.dsn, landing=str(warehouse.landing.folder))
    warehouse.call("staging.clean_orders", day)


def counts(warehouse: Warehouse) -> tuple[int, ...]:
    """Return delivered, clean, duplicate, rejected and changed lines."""
    return tuple(
        warehouse.row(
            "SELECT delivered_count, clean_count, duplicate_count, rejected_count, changed_count FROM staging.loads"
            " WHERE source = 'orders'"
        )
    )


def lines(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """Return order, line, product and status of the clean lines."""
    query = "SELECT order_id, line_number, product_id, status FROM staging.orders_clean ORDER BY 1, 2"
    return [tuple(row) for row in warehouse.rows(query)]


def rejected(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """Return place in the file, line of the order, reasons and the value of the first of the rejected lines."""
    query = "SELECT line_number, item_number, failure_reason, failed_value FROM audit.bad_records ORDER BY 1, 2"
    return [tuple(row) for row in warehouse.rows(query)]


def partial(warehouse: Warehouse, value: str | None) -> None:
    """Set partial_orders."""
    warehouse.execute("UPDATE audit.settings SET value = %s WHERE name = 'partial_orders'", value)


# -- a bad line ----------------------------------------------------------------------------------------


def test_one_bad_line_rejects_the_order_and_each_line_says_which(warehouse: Warehouse) -> None:
    items = [item("P-1"), item("P-2", quantity=-1), item("P-3", price="x"), item("P-4", note="é")]
    clean(warehouse, [basket("B", items), order("O-1"), basket("good", [item("P-1"), item("P-2")])])
    assert {row[0] for row in lines(warehouse)} == {"O-1", "good"}
    assert counts(warehouse) == (7, 3, 0, 4, 0)
    of_another = f"line 2 of the order is rejected: {NO_QUANTITY}"
    assert rejected(warehouse) == [
        (1, 1, of_another, "-1"),
        (1, 2, NO_QUANTITY, "-1"),
        (1, 3, "price is not a number of at least 0", "x"),
        (1, 4, of_another, "-1"),
    ]
    texts = warehouse.rows("SELECT item_number, record_id, raw_data FROM audit.bad_records ORDER BY 1")
    assert [row.record_id for row in texts] == ["B"] * 4
    assert texts[0].raw_data.startswith('{"order_id": "B"')  # an order's first row has its whole text
    assert texts[3].raw_data == '{"product_id": "P-4", "quantity": 1, "price": 9.99, "note": "é"}'
    story = warehouse.rows("SELECT failure_reason, rows FROM audit.rejected_reasons ORDER BY rows DESC, 1 LIMIT 1")
    assert [tuple(row) for row in story] == [(f"another line of the order is rejected: {NO_QUANTITY}", 2)]


def test_the_setting_partial_orders_keeps_the_good_lines(warehouse: Warehouse) -> None:
    records = [basket("B", [item("P-1"), item("P-2", quantity=0)]), order("O-1")]
    partial(warehouse, "1")
    clean(warehouse, records)
    assert [row[:2] for row in lines(warehouse)] == [("B", 1), ("O-1", 1)]
    for value, expected in (("0", (3, 1, 0, 2, 0)), ("1", (3, 2, 0, 1, 0)), (None, (3, 1, 0, 2, 0))):
        partial(warehouse, value)
        warehouse.call("staging.clean_orders", DAY)
        assert counts(warehouse) == expected
    assert [row[:2] for row in lines(warehouse)] == [("O-1", 1)]


def test_a_bad_line_of_a_report_that_does_not_count_rejects_nothing(warehouse: Warehouse) -> None:
    half = basket("B", [item("P-1"), item("P-2", quantity=0)], status="pending")
    clean(warehouse, [half, basket("B", [item("P-3")])])
    assert lines(warehouse) == [("B", 1, "P-3", "paid")]
    assert counts(warehouse) == (3, 1, 2, 0, 2)
    clean(warehouse, [basket("B", [item("P-3")]), half])
    assert lines(warehouse) == []
    assert counts(warehouse) == (3, 0, 1, 2, 1)


def test_a_custom_field_of_a_line_rejects_the_order_too(warehouse: Warehouse) -> None:
    warehouse.execute(
        "INSERT INTO staging.fields (source, field, place, kind, on_fault, description)"
        " VALUES ('orders', 'weight', 'line', 'money', 'reject', 'kg')"
    )
    clean(warehouse, [basket("B", [item(weight="heavy"), item(weight=2)])])
    reason = "weight is not a number of at least 0"
    assert [row[2] for row in rejected(warehouse)] == [reason, f"line 1 of the order is rejected: {reason}"]


def test_of_a_large_order_with_a_bad_line_a_few_rows_are_kept_and_all_lines_counted(warehouse: Warehouse) -> None:
    clean(warehouse, [basket("B", [item("P-1")] * 30_000 + [item("P-2", quantity=0)])])
    assert counts(warehouse) == (30_001, 0, 0, 30_001, 0)
    kept = warehouse.row("SELECT count(*) AS rows, sum(line_count) AS lines, max(length(raw_data)) AS longest,"
                         " count(*) FILTER (WHERE raw_data IS NULL) AS without FROM audit.bad_records")  # fmt: skip
    assert (kept.rows, kept.lines, kept.without) == (21, 30_001, 0)
    assert kept.longest < 200
    last = warehouse.row("SELECT failure_reason FROM audit.bad_records ORDER BY item_number DESC LIMIT 1")
    assert last.failure_reason == f"line 30001 of the order is rejected: {NO_QUANTITY}; {NO_QUANTITY}"


# -- reports that contradict each other ------------------------------------------------------------------


def test_reports_of_one_order_for_two_customers_in_one_file_are_a_conflict(warehouse: Warehouse) -> None:
    records = [order("O-1", user_id="a", status="pending"), order("O-2"), order("O-1", user_id="b"), order("O-1")]
    clean(warehouse, records)
    assert [row[0] for row in lines(warehouse)] == ["O-2"]
    assert rejected(warehouse) == [(n, 1, CUSTOMERS, "O-1") for n in (1, 3, 4)]
    assert counts(warehouse) == (4, 1, 0, 3, 0)
    # What one of them is cannot be told: partial_orders changes nothing.
    partial(warehouse, "1")
    warehouse.call("staging.clean_orders", DAY)
    assert counts(warehouse) == (4, 1, 0, 3, 0)


def test_a_guest_who_becomes_a_customer_is_no_conflict(warehouse: Warehouse) -> None:
    clean(warehouse, [order("O-1", user_id=None, status="pending"), order("O-1")])
    assert counts(warehouse) == (2, 1, 1, 0, 0)


@pytest.mark.parametrize(
    ("change", "is_conflict"),
    [
        ({}, True),
        ({"status": " PAID "}, True),
        ({"timestamp": f"{DAY}T11:00:00+01:00"}, True),
        ({"status": "pending"}, False),
        ({"timestamp": f"{DAY}T10:00:01Z"}, False),
        ({"updated_at": f"{DAY}T10:00:00Z"}, False),
    ],
)
def test_other_lines_of_the_same_time_status_and_version_are_a_conflict(
    warehouse: Warehouse, change: dict[str, Any], is_conflict: bool
) -> None:
    clean(warehouse, [order("O-1", product_id="A") | change, order("O-1", product_id="B")])
    if is_conflict:
        assert rejected(warehouse) == [(1, 1, LINES, "O-1"), (2, 1, LINES, "O-1")]
    # Told apart by any of them, the last counts; and that its lines differ is counted.
    assert counts(warehouse) == ((2, 0, 0, 2, 0) if is_conflict else (2, 1, 1, 0, 1))


def test_the_same_lines_in_another_order_or_at_another_time_are_a_repeat(warehouse: Warehouse) -> None:
    items = [item("A", quantity=2), item("B", price="1.50")]
    other = [item("B", price=1.5), item("A", quantity="2")]
    clean(warehouse, [basket("O-1", items), basket("O-1", other), basket("O-1", items, timestamp=f"{DAY}T12:00:00Z")])
    assert counts(warehouse) == (6, 2, 4, 0, 0)


def test_reports_of_several_files_replace_each_other(warehouse: Warehouse) -> None:
    clean(warehouse, [order("O-1", user_id="a", product_id="A")], "a.ndjson")
    clean(warehouse, [order("O-1", user_id="b", product_id="B")], "b.ndjson")
    assert lines(warehouse) == [("O-1", 1, "B", "paid")]
    assert counts(warehouse) == (2, 1, 1, 0, 1)
    # A conflict in a file that does not count is rejected all the same; in the last one it leaves the order out.
    clean(warehouse, [order("O-1", user_id="a"), order("O-1", user_id="c")], "a.ndjson")
    assert lines(warehouse) == [("O-1", 1, "B", "paid")]
    assert counts(warehouse) == (3, 1, 0, 2, 0)
    clean(warehouse, [order("O-1", user_id="a"), order("O-1", user_id="c")], "c.ndjson")
    assert lines(warehouse) == []
    assert counts(warehouse) == (5, 0, 1, 4, 1)


def test_a_report_without_a_clean_line_contradicts_nothing_but_shares_the_conflict(warehouse: Warehouse) -> None:
    clean(warehouse, [order("O-1", product_id="A"), order("O-1", product_id="B", quantity=0)])
    assert counts(warehouse) == (2, 0, 1, 1, 1)
    records = [order("O-1", product_id="A"), order("O-1", quantity=0), order("O-1", product_id="B")]
    clean(warehouse, records)
    assert [row[2] for row in rejected(warehouse)] == [LINES, f"{NO_QUANTITY}; {LINES}", LINES]


def test_a_rule_warns_when_repeats_differ_in_their_lines(warehouse: Warehouse) -> None:
    verdict = "SELECT severity, passed, observed FROM audit.dq_results WHERE rule_name = 'orders_changed_share'"
    warehouse.landing.orders(DAY, [order("O-1", status="pending"), order("O-1", quantity=3)])
    warehouse.landing.events(DAY, [{"event_id": "E", "event_type": "click", "event_ts": f"{DAY}"}])
    warehouse.run(DAY)
    assert [tuple(row) for row in warehouse.rows(verdict)] == [("warning", False, 1)]
    warehouse.landing.orders(DAY, [order("O-1", status="pending"), order("O-1")])
    warehouse.run(DAY)
    assert [row.passed for row in warehouse.rows(f"{verdict} ORDER BY run_id")] == [False, True]


# -- updated_at ------------------------------------------------------------------------------------------


def test_updated_at_decides_before_the_file_and_the_place(warehouse: Warehouse) -> None:
    first = [order("O-1", updated_at=f"{DAY}T12:00:00Z"), order("O-1", status="pending", updated_at=f"{DAY}")]
    second = [order("O-2", updated_at=f"{DAY}T23:59:59Z"), order("O-2", status="cancelled")]
    clean(warehouse, first + second, "a.ndjson")
    clean(warehouse, [order("O-1", status="shipped", updated_at=f"{DAY}T11:59:59.999999Z")], "b.ndjson")
    # A report that does not say stands at the end of the day.
    assert [(row[0], row[3]) for row in lines(warehouse)] == [("O-1", "paid"), ("O-2", "cancelled")]
    clean(warehouse, [order("O-2", status="returned", updated_at=f"{DAY}T23:00:00-02:00")], "0.ndjson")
    found = warehouse.row("SELECT status, source_updated_at FROM staging.orders_clean WHERE order_id = 'O-2'")
    assert tuple(found) == ("returned", datetime(2025, 12, 20, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("2025-12-21T00:00:00Z", None),
        ("2025-12-21T00:00:00.000001Z", "updated_at is more than a day after the day of the delivery"),
        ("9999-12-31", "updated_at is more than a day after the day of the delivery"),
        ("1734602400", "updated_at is not an ISO 8601 time"),
        ({"at": 1}, "updated_at is not an ISO 8601 time"),
        (" 2025-12-19 ", None),
        ("1999-01-01", None),
        (" ", None),
    ],
)
def test_an_updated_at_that_cannot_be_is_a_reason(warehouse: Warehouse, value: Any, reason: str | None) -> None:
    clean(warehouse, [order("O-1", updated_at=value)])
    assert [row[2] for row in rejected(warehouse)] == ([reason] if reason else [])
    # It is no reason to win: it stands as if it did not say.
    clean(warehouse, [order("O-1", updated_at=value, status="pending"), order("O-1", product_id="P-9")])
    assert [row[2] for row in lines(warehouse)] == (["P-9"] if value != "2025-12-21T00:00:00Z" else ["P-1"])


def test_changed_lines_are_those_of_all_reports_but_the_last(warehouse: Warehouse) -> None:
    """The last by updated_at, then by file, then by place: first two lines and then one, or the other way round."""
    two = basket("O-1", [item("P-1"), item("P-2")], timestamp=f"{DAY}T09:00:00Z")
    one = basket("O-1", [item("P-1")], timestamp=f"{DAY}T10:00:00Z")
    early, late = f"{DAY}T11:00:00Z", f"{DAY}T12:00:00Z"
    cases = [
        ({"a.ndjson": [two, one]}, 2),
        ({"a.ndjson": [one, two]}, 1),
        ({"a.ndjson": [two], "b.ndjson": [one]}, 2),
        ({"a.ndjson": [one], "b.ndjson": [two]}, 1),
        ({"a.ndjson": [two | {"updated_at": early}], "b.ndjson": [one | {"updated_at": late}]}, 2),
        ({"a.ndjson": [two | {"updated_at": late}], "b.ndjson": [one | {"updated_at": early}]}, 1),
    ]
    for number, (files, changed) in enumerate(cases):
        day = DAY + timedelta(number)
        for name, records in files.items():
            warehouse.landing.orders(day, [record | {"order_id": f"O-{number}"} for record in records], name)
        extract("orders", day, dsn=warehouse.dsn, landing=str(warehouse.landing.folder))
        warehouse.call("staging.clean_orders", day)
        found = "SELECT changed_count FROM staging.loads WHERE source = 'orders' AND load_date = %s"
        assert warehouse.value(found, day) == changed, files


# -- what shops really send --------------------------------------------------------------------------------


def run_case(warehouse: Warehouse, name: str, days: Iterable[date]) -> None:
    """Deliver and run the days of a case."""
    put_case(warehouse.landing, name)
    for day in days:
        extract("orders", day, dsn=warehouse.dsn, landing=str(warehouse.landing.folder))
        warehouse.call("warehouse.run_day", day)


def facts(warehouse: Warehouse) -> tuple[int, Any]:
    """Return the lines in the facts, and their revenue."""
    return tuple(warehouse.row("SELECT count(*), coalesce(sum(revenue), 0) FROM warehouse.fact_orders"))


@pytest.fixture
def shop(warehouse: Warehouse) -> Warehouse:
    """An empty warehouse that takes days of a few orders."""
    warehouse.execute(RULES_OFF)
    return warehouse


@needs_real_world
def test_case_21_three_orders_with_one_id_are_a_conflict(shop: Warehouse) -> None:
    run_case(shop, "21_excel_mangled_ids", [date(2025, 3, 22)])
    assert {row[0] for row in lines(shop)} == {"21-ok"}
    assert rejected(shop) == [(n, 1, CUSTOMERS, "4.50E+12") for n in (1, 2, 3)]
    assert counts(shop) == (4, 1, 0, 3, 0)


@needs_real_world
def test_case_38_orders_with_a_negative_line_are_rejected_whole(shop: Warehouse) -> None:
    run_case(shop, "38_negative_lines", [date(2025, 4, 8)])
    assert facts(shop) == (11, 65)
    assert rejected(shop) == [
        (1, 1, "line 2 of the order is rejected: price is not a number of at least 0", "-5.00"),
        (1, 2, "price is not a number of at least 0", "-5.00"),
        (2, 1, f"line 2 of the order is rejected: {NO_QUANTITY}", "-1"),
        (2, 2, NO_QUANTITY, "-1"),
        (3, 1, "line 2 of the order is rejected: product_id is missing", None),
        (3, 2, "product_id is missing", None),
    ]
    shop.execute("UPDATE audit.settings SET value = '1' WHERE name = 'negative_lines'")
    shop.call("warehouse.run_day", date(2025, 4, 8))
    assert facts(shop) == (15, 90)
    assert [row[:2] for row in rejected(shop)] == [(3, 1), (3, 2)], "the tip's order"


@needs_real_world
def test_case_39_the_page_with_the_later_updated_at_counts(shop: Warehouse) -> None:
    run_case(shop, "39_unpadded_pages", [date(2025, 4, 9)])
    assert shop.value("SELECT status FROM warehouse.fact_orders WHERE order_id = '39-1'") == "paid"


@needs_real_world
def test_case_45_a_row_per_line_is_a_conflict_that_names_the_shape(shop: Warehouse) -> None:
    run_case(shop, "45_line_per_row", [date(2025, 4, 15)])
    assert facts(shop) == (1, 100)
    assert rejected(shop) == [(n, 1, LINES, "45-1001") for n in (1, 2, 3)]


@needs_real_world
@pytest.mark.parametrize("days", [(4, 5), (5, 4), (4, 5, 4), (5, 4, 5)])
def test_case_64_an_older_state_that_comes_a_day_later_changes_nothing(shop: Warehouse, days: tuple[int, ...]) -> None:
    run_case(shop, "64_stale_later", [date(2025, 5, day) for day in days])
    shop.execute("DELETE FROM audit.step_inputs")
    shop.call("warehouse.run_day", date(2025, 5, days[0]))
    found = shop.row("SELECT load_date, status FROM warehouse.fact_orders")
    assert tuple(found) == (date(2025, 5, 4), "paid")
    assert not broken_promises(shop.connection)
    story = shop.rows("SELECT load_date, outcome FROM audit.order_story('64-1')")
    assert [tuple(row) for row in story] == [
        (date(2025, 5, 4), "in fact_orders"), (date(2025, 5, 5), "superseded by the report of 2025-05-04"),
    ]  # fmt: skip
    by_day = shop.row("SELECT run_date, by_day FROM audit.day_superseded")
    assert tuple(by_day) == (date(2025, 5, 5), date(2025, 5, 4))

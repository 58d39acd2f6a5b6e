"""What only describes a customer costs no money: a value that nobody can read is left empty, and counted."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import Warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.real_world import needs_real_world, put_case
from tests.shop import EVENT_COLUMNS, basket, event, item, order, product

DAY = date(2025, 12, 19)
# An order, and which of its values is left empty.
ODD: list[tuple[dict[str, Any], str]] = [
    (order("a", user="Ann"), "user"),
    (order("b", user=[]), "user"),
    (order("c", city={"name": "Rome"}), "city"),
    (basket("d", [item()], user={"city": ["Rome"]}), "city"),
    (basket("e", [item()], user={}, city=["Rome"]), "city"),
    (order("f", signup_date="in May"), "signup_date"),
    (order("g", signup_date={}), "signup_date"),
    (order("h", signup_date="2025-02-30"), "signup_date"),
    (order("i", marketing_source=[1]), "marketing_source"),
    (basket("j", [item()], user={}, marketing_source=["x"]), "marketing_source"),
]


@pytest.fixture
def shop(warehouse: Warehouse) -> Warehouse:
    """An empty warehouse without rules about volume."""
    warehouse.execute(RULES_OFF)
    return warehouse


def verdict(shop: Warehouse, rule: str, day: date = DAY) -> Any:
    """Return the last verdict of a rule."""
    return shop.row("SELECT * FROM audit.last_verdicts WHERE run_date = %s AND rule_name = %s", day, rule)


def test_an_odd_value_that_describes_the_customer_is_left_empty_and_the_order_stays(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [record for record, _ in ODD] + [order("plain")])
    shop.run(DAY)
    rows = {row.order_id: row for row in shop.rows("SELECT * FROM staging.orders_clean")}
    assert {order_id: row.emptied for order_id, row in rows.items()} == {
        record["order_id"]: [field] for record, field in ODD
    } | {"plain": None}
    for record, field in ODD:
        said = [getattr(rows[record["order_id"]], name) for name in ("city", "signup_date", "marketing_source")]
        assert None in said or field == "user", record
    assert rows["a"].city == "Berlin"  # beside a user that is none
    assert shop.value("SELECT count(*) FROM audit.bad_records") == 0
    assert shop.value("SELECT count(*) FROM warehouse.fact_orders") == len(ODD) + 1
    found = verdict(shop, "orders_emptied_values")
    assert (found.passed, found.severity, found.failed_count) == (False, "warning", len(ODD))
    assert found.sample == ["a: user", "b: user", "c: city", "d: city", "e: city"]
    assert shop.value("SELECT status FROM audit.pipeline_runs ORDER BY run_id DESC LIMIT 1") == "succeeded"


def test_a_field_that_is_to_be_rejected_still_is(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [order("a", city=["Rome"]), order("b", signup_date="?"), order("c", marketing_source={})])
    shop.run(DAY)
    assert shop.value("SELECT count(*) FROM staging.orders_clean") == 3
    shop.execute("UPDATE staging.fields SET on_fault = 'reject' WHERE place = 'customer'")
    shop.run(DAY)
    assert [tuple(row) for row in shop.rows("SELECT record_id, failure_reason FROM audit.bad_records ORDER BY 1")] == [
        ("a", "city is not a plain value"),
        ("b", "signup_date is not a date"),
        ("c", "marketing_source is not a plain value"),
    ]


def test_a_customer_id_that_cannot_be_read_rejects_the_order(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [order("a", user_id=["U-1"], city=[]), order("b", user_id="x" * 513)])
    shop.run(DAY)
    assert shop.value("SELECT array_agg(failure_reason ORDER BY record_id) FROM audit.bad_records") == [
        "user_id is not a plain value", "user_id is longer than 512 bytes",
    ]  # fmt: skip


def test_fields_of_ones_own_that_are_left_empty_are_counted_the_same(shop: Warehouse) -> None:
    shop.execute(
        "INSERT INTO staging.fields (source, field, place, kind, on_fault, description) VALUES"
        " ('orders', 'gift', 'order', 'text', 'empty', ''), ('orders', 'weight', 'line', 'money', 'empty', ''),"
        " ('events', 'age', 'event', 'quantity', 'empty', ''), ('products', 'weight', 'product', 'money', 'empty', '')"
    )
    shop.landing.orders(DAY, [
        order("a", gift={}, weight=-1, city=[]),
        basket("b", [item(weight=1), item(weight="heavy"), item(weight="n/a")]),
    ])  # fmt: skip
    events = [event("E-1", age="old"), event("E-2", age="7"), event("E-3", age="NULL")]
    shop.landing.events(DAY, events, columns=[*EVENT_COLUMNS, "age"])
    shop.landing.products(DAY, [product("P-1", weight="light"), product("P-2", weight=2)])
    shop.run(DAY)
    lines = shop.rows("SELECT order_id, line_number, emptied FROM staging.orders_clean WHERE emptied IS NOT NULL")
    assert {tuple(line[:2]): line.emptied for line in lines} == {
        ("a", 1): ["city", "gift", "weight"],
        ("b", 2): ["weight"],
    }
    assert verdict(shop, "orders_emptied_values").sample == ["a: city, gift, weight", "b: weight"]
    assert verdict(shop, "events_emptied_values").sample == ["E-1: age"]
    assert verdict(shop, "products_emptied_values").sample == ["P-1: weight"]


def test_what_could_not_be_read_stays_counted_when_the_person_is_erased(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [record for record, _ in ODD])
    shop.run(DAY)
    emptied = "SELECT order_id, emptied FROM staging.orders_clean ORDER BY 1"
    before = shop.rows(emptied)
    shop.call("audit.erase_user", "U-1", "asked for it")
    assert shop.rows(emptied) == before
    shop.call("warehouse.run_day", DAY)
    assert shop.rows(emptied) == before
    assert verdict(shop, "orders_emptied_values").failed_count == len(ODD)


@needs_real_world
def test_a_day_of_odd_descriptions_keeps_all_its_money(shop: Warehouse) -> None:
    """Case 47."""
    day = put_case(shop.landing, "47_cosmetic_rejects")
    shop.landing.events(day, [event(day=day)])
    shop.run(day)
    assert shop.row("SELECT count(*), sum(revenue) FROM warehouse.fact_orders") == (26, Decimal(3030))
    found = verdict(shop, "orders_emptied_values", day)
    assert (found.severity, found.message) == ("warning", "6 of 26 rows break it")
    assert found.sample == ["47-1: signup_date", "47-2: signup_date", "47-3: signup_date", "47-4: city",
                            "47-5: marketing_source"]  # fmt: skip
    assert shop.row("SELECT DISTINCT city, signup_date, marketing_source FROM staging.orders_clean") == (None,) * 3
    assert not broken_promises(shop.connection)

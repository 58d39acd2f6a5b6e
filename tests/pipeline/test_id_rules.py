"""Rules about ids: what a spreadsheet or a program has made of them, and fields that are called otherwise."""

from datetime import date
from typing import Any

import psycopg
import pytest

from tests.conftest import Warehouse
from tests.promises import RULES_OFF
from tests.real_world import needs_real_world, put_case
from tests.shop import EVENT_COLUMNS, basket, event, events, item, order, orders, product

# Arithmetic and joins, the same on every version.
pytestmark = pytest.mark.once

DAY = date(2025, 12, 19)
SHORTENED = ["1.23457E+12", "8.20982911946154e+17", "4,50E+12", "1E+10", "8.20982911946154E17", "2e+5"]
NOT_SHORTENED = [
    "1." + "0" * 27 + "E+5",
    "1E10",
    "SKU-1E+10",
    "12E+10",
    "C++",
    "E+",
    "1.5E3",
    "1.5.E+3",
    "a.bE+1",
    "+49",
    "1.2345E",
    "0x1E+5",
]


@pytest.fixture
def shop(warehouse: Warehouse) -> Warehouse:
    """An empty warehouse without rules about volume."""
    warehouse.execute(RULES_OFF)
    return warehouse


def verdict(shop: Warehouse, rule: str, day: date = DAY) -> Any:
    """Return the last verdict of a rule."""
    return shop.row("SELECT * FROM audit.last_verdicts WHERE run_date = %s AND rule_name = %s", day, rule)


@pytest.mark.parametrize("place", ["orders/order_id", "orders/user_id", "orders/product_id", "events/event_id",
                                   "events/user_id", "events/product_id", "products/product_id"])  # fmt: skip
def test_an_id_that_a_spreadsheet_has_shortened_blocks_the_day_and_is_named(shop: Warehouse, place: str) -> None:
    source, name = place.split("/")
    odd: dict[str, list[dict[str, Any]]] = {"orders": [], "events": [], "products": [], source: [
        {"order_id": f"O-{text}", "event_id": f"E-{text}", name: text} for text in SHORTENED
    ]}  # fmt: skip
    shop.landing.orders(DAY, [order("O-1"), *(order() | fields for fields in odd["orders"])])
    shop.landing.events(DAY, [event(), *(_event(fields) for fields in odd["events"])])
    shop.landing.products(DAY, [product(), *(product() | fields for fields in odd["products"])])
    with pytest.raises(psycopg.Error, match=f"{source}_spreadsheet_ids") as blocked:
        shop.run(DAY)
    assert blocked.value.sqlstate == "WH001"
    found = verdict(shop, f"{source}_spreadsheet_ids")
    assert (found.passed, found.severity, found.failed_count) == (False, "critical", len(SHORTENED))
    assert found.sample == [f"{name} {text}" for text in sorted(SHORTENED)][:5]


def _event(fields: dict[str, Any]) -> dict[str, Any]:
    return event() | {name: value for name, value in fields.items() if name in EVENT_COLUMNS}


def test_an_id_that_only_looks_shortened_passes(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [order(text, user_id=text, product_id=text) for text in NOT_SHORTENED])
    shop.landing.events(
        DAY, [event(text, user_id=text, product_id=text) for text in NOT_SHORTENED] + [event(user_id="")]
    )
    shop.landing.products(DAY, [product(text) for text in NOT_SHORTENED])
    shop.run(DAY)
    assert shop.value("SELECT count(*) FROM warehouse.fact_orders") == len(NOT_SHORTENED)


def test_ids_that_end_in_point_zero_are_warned_of_beside_others_only(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [order("1.0", user_id="7.0"), order("2.0", user_id="7"), order("3.0", user_id=None)])
    shop.landing.events(DAY, [event(user_id="7.0", product_id="v1.0"), event("E-2", user_id="", product_id="v2")])
    shop.run(DAY)
    found = verdict(shop, "orders_point_zero_ids")
    assert (found.passed, found.severity, found.failed_count) == (False, "warning", 1)
    assert found.sample == ["order_id 1.0"] or found.sample == ["user_id 7.0"]
    assert verdict(shop, "events_point_zero_ids").passed


@pytest.mark.parametrize(("digits", "is_warned_of"), [(29, True), (30, False)])
def test_a_number_of_32_bytes_is_no_fraction_that_a_program_has_made(
    shop: Warehouse, digits: int, is_warned_of: bool
) -> None:
    shop.landing.orders(DAY, [order("9" * digits + ".0"), order("O-2")])
    shop.landing.events(DAY, [event()])
    shop.run(DAY)
    assert verdict(shop, "orders_point_zero_ids").passed != is_warned_of


# -- fields that are called otherwise ----------------------------------------------------------------


@needs_real_world
def test_a_day_whose_users_and_products_are_called_otherwise_is_in_and_the_warning_names_the_fields(
    shop: Warehouse,
) -> None:
    """Case 66."""
    day = put_case(shop.landing, "66_misnamed_optional")
    shop.run(day)
    assert shop.value("SELECT count(*) FROM warehouse.fact_orders") == 5
    assert shop.value("SELECT count(*) FROM warehouse.fact_events") == 5
    for rule, sample in (
        ("orders_without_users", "the records have customer.id, customer_id"),
        ("events_without_users", "the records have userId"),
        ("events_without_products", "the records have productId"),
    ):
        found = verdict(shop, rule, day)
        assert (found.passed, found.severity, found.sample) == (False, "warning", [sample])
    told = shop.rows("SELECT told FROM audit.day_story(%s) WHERE section = 'failed rules'", day)
    assert any("userId" in row.told for row in told)


def test_a_small_day_of_guests_warns_of_nothing_and_a_large_one_does(shop: Warehouse) -> None:
    """From 5 rows with a field that looks like a user, from 100 without one."""
    for number, (order_count, event_count, fields, passes) in enumerate([
        (4, 4, {"customer_id": "C-1"}, True), (5, 5, {"customer_id": "C-1"}, False), (5, 5, {"customer_id": " "}, True),
        (99, 99, {}, True), (100, 100, {}, False), (100, 100, {"nobody": "C-1"}, False),
    ]):  # fmt: skip
        day = date(2025, 11, number + 1)
        shop.landing.orders(day, orders(order_count, day, user_id=None, **fields))
        rows = events(event_count, day, user_id=None, **fields)
        shop.landing.events(day, rows, columns=[*EVENT_COLUMNS, *fields])
        shop.run(day)
        for rule in ("orders_without_users", "events_without_users"):
            assert verdict(shop, rule, day).passed is passes, (number, rule)
        assert verdict(shop, "events_without_products", day).passed


def test_one_user_among_guests_is_enough(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [*orders(200, DAY, user_id=None, customer_id="C-1"), order()])
    shop.landing.events(DAY, events(200, DAY, user_id=None))
    shop.run(DAY)
    assert verdict(shop, "orders_without_users").passed
    assert not verdict(shop, "events_without_users").passed
    assert shop.value("SELECT likely_fields FROM staging.loads WHERE source = 'orders'") is None


def test_a_delivery_that_only_names_the_field_otherwise_is_judged_again(shop: Warehouse) -> None:
    shop.landing.events(DAY, events(10, DAY))
    for name in ("customer_id", "buyerId"):
        shop.landing.orders(DAY, orders(10, DAY, user_id=None, **{name: "C-1"}))
        shop.run(DAY)
        assert verdict(shop, "orders_without_users").sample == [f"the records have {name}"]
    shop.landing.orders(DAY, orders(10, DAY))
    shop.run(DAY)
    assert verdict(shop, "orders_without_users").passed


def test_the_rules_as_shipped_are_known_to_read_nothing_that_makes_the_gate_judge_again(shop: Warehouse) -> None:
    assert shop.value("SELECT audit._rules_read()") is not None


def test_a_record_that_lacks_a_field_names_those_that_look_like_it_first(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [
        {"alpha": 1, "beta": 2, "orderId": "O-1", "ts": str(DAY), "state": "paid", "product_id": "P", "quantity": 1,
         "price": 1},
        basket("B", [{"colour": "red", "SKU": "P-1", "Qty": 1, "unit-price": 2}]),
        order(None, **{f"field{n}": n for n in range(30)}, Order_No="O-2"),
    ])  # fmt: skip
    shop.landing.events(DAY, [event()])
    shop.run(DAY)
    found = shop.rows("SELECT failed_value FROM audit.bad_records ORDER BY line_number, item_number")
    assert [row.failed_value for row in found] == [
        "the record has orderId, ts, state, alpha, beta",
        "the record has SKU, Qty, unit-price, colour",
        "the record has Order_No, " + ", ".join(f"field{n}" for n in range(11)),
    ]
    assert item()["product_id"] == "P-1"


@needs_real_world
def test_a_time_in_seconds_is_told_so_and_never_offered_as_a_status(shop: Warehouse) -> None:
    """Case 10."""
    day = put_case(shop.landing, "10_epoch_seconds")
    shop.landing.events(day, [event(day=day)])
    shop.execute("UPDATE audit.dq_rules SET enabled = false WHERE check_type = 'share'")
    shop.run(day)
    seconds = "timestamp is not an ISO 8601 time: it looks like seconds since 1970"
    assert shop.value("SELECT bool_and(starts_with(failure_reason, %s)) FROM audit.bad_records", seconds)
    advice = shop.rows("SELECT advice, statement FROM audit.day_advice(%s)", day)
    offered = [row.statement for row in advice if row.statement and "staging.codes" in row.statement]
    # Its status, succeeded, is known: there is nothing to offer, and the time least of all.
    assert offered == []


@pytest.mark.parametrize("status", ["2025-12-19T10:00:00Z", "2025-12-19", 1766138400, "1766138400123"])
def test_a_status_that_is_a_time_is_no_status_to_map(shop: Warehouse, status: Any) -> None:
    shop.landing.orders(DAY, [order(status=status), order("O-2")])
    shop.landing.events(DAY, [event()])
    shop.run(DAY)
    advice = shop.rows("SELECT advice, statement FROM audit.day_advice(%s)", DAY)
    assert ("the status is a time: look at which field of the export it comes from", None) in [
        tuple(row) for row in advice
    ]
    assert not any("staging.codes" in (row.statement or "") for row in advice)


@needs_real_world
def test_times_of_events_in_other_units_are_told_so(shop: Warehouse) -> None:
    """Case 11, without a shape that reads them."""
    day = put_case(shop.landing, "11_epoch_ms_events")
    shop.landing.orders(day, [order(day=day)])
    shop.run(day)
    words = "event_ts is not an ISO 8601 time: it looks like {} since 1970"
    found = shop.rows("SELECT record_id, failure_reason FROM audit.bad_records ORDER BY 1")
    assert [tuple(row) for row in found] == [
        ("e1", words.format("milliseconds")), ("e2", words.format("seconds")), ("e3", words.format("seconds")),
    ]  # fmt: skip

"""Who owns an order, an event, a user's attributes, a product's version: what was loaded, never in which order."""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from glue.connection import connect
from tests.conftest import Warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.shop import basket, event, item, order, product

D1, D2, D3, D4 = date(2025, 11, 28), date(2025, 11, 29), date(2025, 11, 30), date(2025, 12, 2)
ORDERS = list(permutations([D1, D2, D3]))
# All orders of loading; two of them with the month compacted after every load. Which of them is tried is nothing to
# PostgreSQL: on every version there are the first and the last.
SEQUENCES = [
    pytest.param(
        days,
        compacted,
        id="-".join(f"{day:%d}" for day in days) + ("-compacted" if compacted else ""),
        marks=[] if days in (ORDERS[0], ORDERS[-1]) else [pytest.mark.once],
    )
    for days, compacted in [*((days, False) for days in ORDERS), (ORDERS[0], True), (ORDERS[-1], True)]
]
EACH_ORDER = [
    pytest.param(days, id="-".join(f"{day:%d}" for day in days), marks=one.marks)
    for one in SEQUENCES
    for days, compacted in [one.values]
    if not compacted
]
MERGE_NOVEMBER = date(2025, 12, 1)


@pytest.fixture
def shop(warehouse: Warehouse) -> Iterator[Warehouse]:
    """An empty warehouse that takes days of a single order; every promise is asked of it at the end."""
    warehouse.execute(RULES_OFF)
    yield warehouse
    assert not broken_promises(warehouse.connection)


def load(
    shop: Warehouse, day: date, orders: Iterable[Any] = (), events: Iterable[Any] = (), products: Any = None
) -> None:
    """Deliver a day, in place of what it delivered before, and run it."""
    deliver(shop, day, orders, events, products)
    shop.call("warehouse.run_day", day)


def deliver(
    shop: Warehouse, day: date, orders: Iterable[Any] = (), events: Iterable[Any] = (), products: Any = None
) -> None:
    """Deliver a day, in place of what it delivered before."""
    shop.landing.orders(day, orders)
    shop.landing.events(day, events)
    if products is not None:
        shop.landing.products(day, products)
    shop.deliver(day)


def lines(shop: Warehouse, order_id: str = "O-1") -> list[tuple[Any, ...]]:
    """Return load_date, line, status, revenue of an order in the facts."""
    return [
        tuple(row)
        for row in shop.rows(
            "SELECT load_date, line_number, status, revenue FROM warehouse.fact_orders"
            " WHERE order_id = %s ORDER BY 1, 2",
            order_id,
        )
    ]


def figures(shop: Warehouse) -> dict[date, tuple[Any, ...]]:
    """Return lines in facts, superseded, revenue and net revenue by day."""
    return {
        row[0]: tuple(row[1:])
        for row in shop.rows(
            "SELECT run_date, fact_orders_count, superseded_orders_count, revenue, net_revenue"
            " FROM warehouse.daily_metrics"
        )
    }


def side_by_side(shop: Warehouse, *calls: tuple[str, date]) -> None:
    """CALL each in a session of its own, at once."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(len(calls))

    def call(procedure: str, day: date) -> None:
        try:
            with contextlib.closing(connect(shop.dsn)) as connection:
                barrier.wait(30)
                connection.execute(f"CALL {procedure}(%s)", [day])
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=call, args=arguments) for arguments in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


# -- orders ------------------------------------------------------------------------------------------


def test_an_order_that_comes_again_counts_once_with_its_later_lines(shop: Warehouse) -> None:
    load(shop, D1, [basket("O-1", [item(price=10), item(price=5)], D1, status="pending")])
    assert figures(shop)[D1] == (2, 0, 15, 0)
    load(shop, D2, [basket("O-1", [item(price=10)], D1, status="paid")])
    assert lines(shop) == [(D2, 1, "paid", 10)]
    assert figures(shop) == {D1: (0, 2, 0, 0), D2: (1, 0, 10, 10)}


def test_an_earlier_load_that_comes_late_does_not_take_over(shop: Warehouse) -> None:
    load(shop, D2, [order(day=D1, price=10, quantity=1)])
    load(shop, D1, [order(day=D1, price=7, quantity=1), order("O-2", D1, price=1, quantity=1)])
    assert lines(shop) == [(D2, 1, "paid", 10)]
    assert figures(shop) == {D1: (1, 1, 1, 1), D2: (1, 0, 10, 10)}


@pytest.mark.parametrize(("sequence", "compacted"), SEQUENCES)
def test_an_order_in_three_loads_goes_back_step_by_step(
    shop: Warehouse, sequence: Sequence[date], compacted: bool
) -> None:
    prices = {D1: Decimal(1), D2: Decimal(2), D3: Decimal(3)}
    other = order("O-other", D1)
    for day in sequence:
        load(shop, day, [order(day=D1, price=prices[day], quantity=1), other])
        if compacted:
            shop.call("warehouse.compact_partitions", MERGE_NOVEMBER)
    assert lines(shop) == [(D3, 1, "paid", 3)]
    load(shop, D3, [other])
    assert lines(shop) == [(D2, 1, "paid", 2)]
    load(shop, D1, [order(day=D1, price=9, quantity=1)])
    assert lines(shop) == [(D2, 1, "paid", 2)]
    load(shop, D2, [])
    assert lines(shop) == [(D1, 1, "paid", 9)]
    load(shop, D3, [order(day=D1, price=3, quantity=1)])
    assert lines(shop) == [(D3, 1, "paid", 3)]
    load(shop, D1, [])
    load(shop, D3, [])
    assert lines(shop) == []
    assert shop.value("SELECT count(*) FROM warehouse.order_owners WHERE order_id = 'O-1'") == 0


# -- updated_at: the report with the latest one counts, whatever the day of its delivery ---------------------


def version(day: date, hour: int) -> str:
    """Return a time of updated_at."""
    return f"{day}T{hour:02}:00:00Z"


@pytest.mark.parametrize(("sequence", "compacted"), SEQUENCES)
def test_the_latest_updated_at_owns_an_order_whatever_was_loaded_first(
    shop: Warehouse, sequence: Sequence[date], compacted: bool
) -> None:
    """Of the first day it says nothing: there the end of the day stands for it."""
    updated = {D1: None, D2: version(D2, 12), D3: version(D2, 9)}
    prices = {D1: Decimal(1), D2: Decimal(2), D3: Decimal(3)}
    other = order("O-other", D1)

    def deliver_again(day: date, updated_at: str | None) -> None:
        load(shop, day, [order(day=D1, price=prices[day], quantity=1, updated_at=updated_at), other])
        if compacted:
            shop.call("warehouse.compact_partitions", MERGE_NOVEMBER)

    for day in sequence:
        deliver_again(day, updated[day])
    assert lines(shop) == [(D2, 1, "paid", 2)]
    assert figures(shop)[D3][:2] == (1, 1)
    # The load keeps the order, and says that it changed before the others: it goes to the best of them, a later load.
    deliver_again(D2, version(D1, 1))
    assert lines(shop) == [(D3, 1, "paid", 3)]
    # One that is not the owner becomes it, and stays it when its own time moves, but not below the others'.
    deliver_again(D1, version(D2, 13))
    assert lines(shop) == [(D1, 1, "paid", 1)]
    deliver_again(D1, version(D2, 10))
    assert lines(shop) == [(D1, 1, "paid", 1)]
    row = shop.row("SELECT load_date, source_updated_at::text FROM warehouse.order_owners WHERE order_id = 'O-1'")
    assert tuple(row) == (D1, "2025-11-29 10:00:00+00")
    deliver_again(D1, version(D2, 8))
    assert lines(shop) == [(D3, 1, "paid", 3)]
    # Without the owner, the next in rank: not the last day, the latest version.
    load(shop, D3, [other])
    assert lines(shop) == [(D1, 1, "paid", 1)]
    load(shop, D1, [other])
    assert lines(shop) == [(D2, 1, "paid", 2)]
    deliver_again(D3, None)
    assert lines(shop) == [(D3, 1, "paid", 3)]


def test_of_equal_updated_at_the_later_load_counts(shop: Warehouse) -> None:
    for day in (D2, D3, D1):
        load(shop, day, [order(day=D1, price=day.day, quantity=1, updated_at=version(D1, 12))])
    assert lines(shop) == [(D3, 1, "paid", 30)]
    # The end of a day is a time like any other.
    load(shop, D3, [order(day=D1, price=1, quantity=1, updated_at=f"{D2}T00:00:00Z")])
    load(shop, D1, [order(day=D1, price=2, quantity=1)])
    assert lines(shop) == [(D3, 1, "paid", 1)]
    load(shop, D3, [order(day=D1, price=1, quantity=1, updated_at=f"{D1}T23:59:59Z")])
    assert lines(shop) == [(D1, 1, "paid", 2)]


def test_an_update_that_is_too_late_to_be_true_never_wins(shop: Warehouse) -> None:
    load(shop, D1, [order(day=D1, price=1, quantity=1, updated_at="9999-12-31T00:00:00Z")])
    load(shop, D2, [order(day=D1, price=2, quantity=1)])
    assert lines(shop) == [(D2, 1, "paid", 2)]
    assert shop.value("SELECT sum(rejected_orders_count) FROM warehouse.daily_metrics") == 1


def test_a_users_attributes_are_of_the_last_order_placed_not_of_the_last_update(shop: Warehouse) -> None:
    load(shop, D1, [order(day=D1, city="Berlin", updated_at=version(D2, 1))])
    load(shop, D2, [order("O-2", timestamp=f"{D1}T12:00:00Z", city="Paris", updated_at=version(D1, 1))])
    assert person(shop) == ("Paris", D1, D1, False)


def test_a_later_load_that_shrinks_or_grows_an_order_owns_exactly_its_lines(shop: Warehouse) -> None:
    load(shop, D1, [basket("O-1", [item(price=1), item(price=2), item(price=3)], D1)])
    load(shop, D2, [basket("O-1", [item(price=4), item(price=5)], D1)])
    load(shop, D2, [basket("O-1", [item(price=4)], D1)])
    assert lines(shop) == [(D2, 1, "paid", 4)]
    load(shop, D2, [basket("O-1", [item(price=p) for p in (4, 5, 6, 7)], D1)])
    assert [revenue for *_, revenue in lines(shop)] == [4, 5, 6, 7]
    assert figures(shop) == {D1: (0, 3, 0, 0), D2: (4, 0, 22, 22)}


def test_a_later_report_without_a_clean_line_takes_nothing_over(shop: Warehouse) -> None:
    load(shop, D1, [order(day=D1, price=10, quantity=1)])
    load(shop, D2, [order(day=D1, quantity=-1)])
    assert lines(shop) == [(D1, 1, "paid", 10)]
    load(shop, D2, [basket("O-1", [item(quantity=0), item(price=6)], D1)])
    assert lines(shop) == [(D1, 1, "paid", 10)]
    shop.execute("UPDATE audit.settings SET value = '1' WHERE name = 'partial_orders'")
    shop.call("warehouse.run_day", D2)
    assert lines(shop) == [(D2, 2, "paid", 6)]
    load(shop, D2, [basket("O-1", [item(quantity=0), item(quantity=0)], D1)])
    assert lines(shop) == [(D1, 1, "paid", 10)]


def test_a_refused_redelivery_leaves_the_good_one_in_force(shop: Warehouse) -> None:
    load(shop, D1, [order(day=D1, price=10, quantity=1)])
    load(shop, D2, [order(day=D1, price=11, quantity=1)])
    shop.landing.put("orders", D2, "orders.json", '[{"order_id": "O-1"')
    shop.run(D2)
    assert lines(shop) == [(D2, 1, "paid", 11)]
    assert figures(shop)[D2] == (1, 0, 11, 11)


@pytest.mark.parametrize("compacted", [False, True], ids=["days", "compacted"])
def test_days_with_the_same_orders_may_load_at_once(shop: Warehouse, compacted: bool) -> None:
    days = [D1, D2, D3]
    for price in range(1, 6):
        for day in days:
            # Every day brings half of the orders, each round another half.
            deliver(
                shop, day,
                [order(f"O-{n}", D1, price=price, quantity=day.day) for n in range(8) if (n + price + day.day) % 2],
                [event(f"E-{n}", D1) for n in range(8) if (n + price + day.day) % 2],
            )  # fmt: skip
        side_by_side(shop, *(("warehouse.run_day", day) for day in days))
        assert not broken_promises(shop.connection)
        if compacted:
            shop.call("warehouse.compact_partitions", MERGE_NOVEMBER)


def test_a_compaction_beside_runs_of_its_days_harms_neither(shop: Warehouse) -> None:
    for price in range(1, 6):
        for day in (D1, D2):
            deliver(shop, day, [order("O-1", D1, price=price), order(f"O-{day}", D1, price=price)], [event("E-1", D1)])
        side_by_side(
            shop, ("warehouse.run_day", D1), ("warehouse.run_day", D2),
            ("warehouse.compact_partitions", MERGE_NOVEMBER),
        )  # fmt: skip
        assert not broken_promises(shop.connection)
        load(shop, date(2025, 11, price), [order("O-new", date(2025, 11, price))])


def test_only_days_whose_rows_moved_are_written(shop: Warehouse) -> None:
    for day in (D1, D2, D3):
        load(shop, day, [order(f"O-{day}", day), order(f"O-{day}-2", day)], [event(f"E-{day}", day)])
    places = "SELECT tableoid::regclass::text, ctid::text, xmin::text FROM {} WHERE load_date = %s ORDER BY 1, 2"
    before = {t: shop.rows(places.format(t), D1) for t in ("warehouse.fact_orders", "warehouse.fact_events")}
    load(shop, D3, [order(f"O-{D2}", D2)], [event(f"E-{D2}", D2)])
    assert before == {t: shop.rows(places.format(t), D1) for t in before}
    assert lines(shop, f"O-{D2}-2") == [(D2, 1, "paid", Decimal("19.98"))]


def test_rows_of_older_dates_are_found_by_date_after_a_reload(shop: Warehouse) -> None:
    by_date = "SELECT order_id FROM warehouse.fact_orders WHERE date_id = %s ORDER BY 1"
    load(shop, D3, [order(f"O-{n}", D3) for n in range(9)])
    load(shop, D3, [order("O-0", D1), *(order(f"O-{n}", D3) for n in range(1, 9))])
    assert [row.order_id for row in shop.rows(by_date, 20251128)] == ["O-0"]
    load(shop, D4, [order("O-0", D2), order("O-1", D2)])
    older = [order("O-0", date(2025, 1, 5)), order("O-1", date(2025, 2, 5))]
    load(shop, D3, [*older, *(order(f"O-{n}", D3) for n in range(2, 9))])
    load(shop, D4, [])
    assert [row.order_id for row in shop.rows(by_date, 20250105)] == ["O-0"]
    assert [row.order_id for row in shop.rows(by_date, 20250205)] == ["O-1"]


# -- events ------------------------------------------------------------------------------------------


def owner(shop: Warehouse, event_id: str = "E-1") -> list[tuple[date, str]]:
    """Return load_date and type of an event in the facts."""
    return [
        tuple(row)
        for row in shop.rows(
            "SELECT load_date, event_type FROM warehouse.fact_events WHERE event_id = %s ORDER BY 1", event_id
        )
    ]


@pytest.mark.parametrize(("sequence", "compacted"), SEQUENCES)
def test_an_event_in_three_loads_goes_back_step_by_step(
    shop: Warehouse, sequence: Sequence[date], compacted: bool
) -> None:
    kinds = {D1: "click", D2: "search", D3: "purchase"}
    other = event("E-other", D1)
    for day in sequence:
        load(shop, day, events=[event(day=D1, event_type=kinds[day]), other])
        if compacted:
            shop.call("warehouse.compact_partitions", MERGE_NOVEMBER)
    assert owner(shop) == [(D3, "purchase")]
    load(shop, D2, events=[event(day=D1, event_type="share")])
    load(shop, D3, events=[other])
    assert owner(shop) == [(D2, "share")]
    load(shop, D2, events=[])
    assert owner(shop) == [(D1, "click")]
    load(shop, D3, events=[event(day=D1, event_type="login")])
    load(shop, D1, events=[])
    assert owner(shop) == [(D3, "login")]
    load(shop, D3, events=[])
    assert owner(shop) == []
    assert shop.value("SELECT count(*) FROM warehouse.late_events WHERE event_id = 'E-1'") == 0


def test_the_same_event_id_at_another_time_is_another_event(shop: Warehouse) -> None:
    load(shop, D1, events=[event(day=D1)])
    load(shop, D2, events=[event(day=D1, event_ts=f"{D1}T12:00:00Z"), event(day=D2)])
    assert owner(shop) == [(D1, "page_view"), (D2, "page_view"), (D2, "page_view")]


def test_the_same_moment_in_another_offset_is_the_same_event(shop: Warehouse) -> None:
    load(shop, D1, events=[event(day=D1)])
    load(shop, D2, events=[event(day=D1, event_ts=f"{D1}T13:00:00+02:00", event_type="click")])
    assert owner(shop) == [(D2, "click")]


# -- users -------------------------------------------------------------------------------------------


def person(shop: Warehouse, user_id: str = "U-1") -> tuple[Any, ...] | None:
    """Return city, first and last day seen, and whether the user is inferred."""
    found = shop.rows(
        "SELECT city, first_seen_at::date, last_seen_at::date, is_inferred FROM warehouse.dim_user WHERE user_id = %s",
        user_id,
    )
    return tuple(found[0]) if found else None


@pytest.mark.parametrize("sequence", EACH_ORDER)
def test_a_user_is_as_the_last_order_says_whatever_was_loaded_first(shop: Warehouse, sequence: Sequence[date]) -> None:
    silent = order("O-4", D3, city=None, signup_date=None, marketing_source=None)
    said = {
        D1: [order("O-1", D1, city="Berlin")],
        D2: [order("O-2", D2, city="Paris")],
        D3: [order("O-3", date(2025, 11, 1), city="Rome"), silent],  # loaded last, placed first
    }
    for day in sequence:
        load(shop, day, said[day])
    assert person(shop) == ("Paris", date(2025, 11, 1), D3, False)
    load(shop, D2, [order("O-2", D2, user_id="U-2")])
    assert person(shop) == ("Berlin", date(2025, 11, 1), D3, False)
    load(shop, D1, [])
    assert person(shop) == ("Rome", date(2025, 11, 1), D3, False)
    load(shop, D3, [silent])
    assert person(shop) == (None, D3, D3, True)
    load(shop, D3, [])
    assert person(shop) is None


def test_a_day_that_comes_again_with_something_newer_is_heard(shop: Warehouse) -> None:
    load(shop, D1, [order("O-1", D1, city="Berlin")])
    load(shop, D2, [order("O-2", timestamp=f"{D1}T12:00:00Z", city="Paris")])
    load(shop, D1, [order("O-1", timestamp=f"{D1}T11:00:00Z", city="Berlin")])
    assert person(shop) == ("Paris", D1, D1, False)
    load(shop, D1, [order("O-1", timestamp=f"{D1}T13:00:00Z", city="Rome")])
    assert person(shop) == ("Rome", D1, D1, False)


@pytest.mark.parametrize("sequence", list(permutations([D1, D2])), ids=["12", "21"])
def test_of_orders_of_the_same_moment_the_later_load_then_the_greater_id_speaks(shop: Warehouse, sequence: Any) -> None:
    said = {D1: [order("O-9", D1, city="Berlin")], D2: [order("O-1", D1, city="Paris"), order("O-2", D1, city="Rome")]}
    for day in sequence:
        load(shop, day, said[day])
    assert person(shop)[0] == "Rome"  # type: ignore[index]


def test_all_attributes_are_of_the_same_order(shop: Warehouse) -> None:
    load(shop, D1, [order("O-1", D1, city="Berlin", marketing_source="ads")])
    load(shop, D2, [order("O-2", D2, city=None, signup_date=None, marketing_source="mail")])
    row = shop.row("SELECT city, signup_date, marketing_source FROM warehouse.dim_user WHERE user_id = 'U-1'")
    assert tuple(row) == (None, None, "mail")


def test_guests_are_one_user_and_have_no_attributes(shop: Warehouse) -> None:
    load(shop, D1, [order("O-1", D1, user_id=None)], [event("E-1", D1, user_id=None)])
    assert person(shop, "(guest)") == (None, D1, D1, True)
    assert shop.value("SELECT count(*) FROM warehouse.sales WHERE user_id = '(guest)'") == 1
    load(shop, D1)
    assert person(shop, "(guest)") == (None, None, None, True)


# -- products ----------------------------------------------------------------------------------------


def versions(shop: Warehouse, product_id: str = "P-1") -> list[tuple[Any, ...]]:
    """Return name, from and to of the versions of a product."""
    return [
        tuple(row)
        for row in shop.rows(
            "SELECT product_name, effective_from, effective_to FROM warehouse.dim_product_history"
            " WHERE product_id = %s ORDER BY effective_from",
            product_id,
        )
    ]


@pytest.mark.parametrize("sequence", EACH_ORDER)
def test_catalogues_may_come_in_any_order(shop: Warehouse, sequence: Sequence[date]) -> None:
    names = {D1: "A", D2: "B", D3: "A"}
    for day in sequence:
        load(shop, day, products=[product(product_name=names[day])])
    assert versions(shop) == [("A", D1, D2), ("B", D2, D3), ("A", D3, None)]
    load(shop, D2, products=[product("P-2")])
    assert versions(shop) == [("A", D1, None)]
    load(shop, D2, products=[product(product_name="C")])
    assert versions(shop) == [("A", D1, D2), ("C", D2, D3), ("A", D3, None)]
    load(shop, D1, products=[])
    assert versions(shop) == [("C", D2, D3), ("A", D3, None)]
    load(shop, D3, products=[])
    assert versions(shop) == [("C", D2, None)]
    load(shop, D2, products=[])
    assert versions(shop) == []
    assert shop.value("SELECT count(*) FROM warehouse.dim_product WHERE product_id = 'P-1'") == 0


def test_a_product_missing_from_a_catalogue_stays_as_it_was(shop: Warehouse) -> None:
    load(shop, D1, products=[product(product_name="A")])
    load(shop, D2, products=[product("P-2")])
    load(shop, D3, products=[product(product_name="A")])
    assert versions(shop) == [("A", D1, None)]
    row = shop.row(
        "SELECT product_name, effective_from, is_inferred FROM warehouse.dim_product WHERE product_id = 'P-1'"
    )
    assert tuple(row) == ("A", D1, False)


def test_inferred_members_appear_become_known_and_vanish(shop: Warehouse) -> None:
    member = "SELECT is_inferred FROM warehouse.dim_product WHERE product_id = 'P-1'"
    load(shop, D1, [order(day=D1)], [event(day=D1, user_id="U-7", product_id="P-7")])
    assert shop.value(member) is True
    assert person(shop, "U-7") == (None, D1, D1, True)
    load(shop, D2, products=[product()])
    assert shop.value(member) is False
    load(shop, D2, products=[])
    assert shop.value(member) is True
    load(shop, D1)
    assert shop.rows(member) == []
    assert person(shop, "U-7") is None
    assert shop.value("SELECT count(*) FROM warehouse.unseen_members") == 0


def test_a_member_of_superseded_lines_stays_until_they_are_gone(shop: Warehouse) -> None:
    """Another day's metrics come between the dimensions and the facts of a corrected day."""
    load(
        shop,
        D1,
        [order("O-1", D1, user_id="U-old", product_id="P-old")],
        [event("E-1", D1, user_id="U-e", product_id="P-e")],
    )
    load(shop, D3, [order("O-1", D1)], [event("E-1", D1)])
    deliver(shop, D1, [order("O-2", D1)], [event("E-2", D1)])
    for step in ("staging.clean_orders", "staging.clean_events", "audit.check_quality", "warehouse.load_dim_date",
                 "warehouse.load_dim_user", "warehouse.load_dim_product"):  # fmt: skip
        shop.call(step, D1)
    load(shop, D2, [order("O-3", D2)])
    load(shop, D3, [order("O-4", D1)], [event("E-4", D1)])  # gives O-1 and E-1 back to the day that is half loaded
    shop.call("warehouse.run_day", D1)
    assert person(shop, "U-old") is None
    assert person(shop, "U-e") is None

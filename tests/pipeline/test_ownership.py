"""Who owns an order, an event, a user's attributes, a product's version: what was loaded, never in which order.

That is plain SQL, most of it asked on one version (once). On every version: merged months, and what is at once.
"""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_postgresql.executors.noop import NoopExecutor

from glue.connection import connect
from tests.conftest import Warehouse, copy_of, new_warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.shop import basket, checksums, event, item, order, product

D1, D2, D3, D4 = date(2025, 11, 28), date(2025, 11, 29), date(2025, 11, 30), date(2025, 12, 2)
FIRST, *OTHERS = permutations([D1, D2, D3])
MERGE_NOVEMBER = date(2025, 12, 1)


@pytest.fixture
def shop(warehouse: Warehouse) -> Iterator[Warehouse]:
    """An empty warehouse that takes days of a single order; every promise is asked of it at the end."""
    warehouse.execute(RULES_OFF)
    yield warehouse
    assert not broken_promises(warehouse.connection)


# -- whatever was loaded first -----------------------------------------------------------------------
#
# Three days, in which everything that has an owner comes again: orders with and without updated_at, an event, a user's
# attributes, a product. Whatever the order of loading, all tables hold the same.


def version(day: date, hour: int) -> str:
    """Return a time of updated_at."""
    return f"{day}T{hour:02}:00:00Z"


PRICES = {D1: Decimal(1), D2: Decimal(2), D3: Decimal(3)}
KINDS = {D1: "click", D2: "search", D3: "purchase"}
NAMES = {D1: "A", D2: "B", D3: "A"}
OTHER = order("O-other", D1)
OTHER_EVENT = event("E-other", D1)


def again(day: date, price: Decimal | None = None) -> dict[str, Any]:
    """Return the order that comes every day and does not say when it was updated."""
    return order(day=D1, price=price or PRICES[day], quantity=1)


def updated(day: date, updated_at: str | None) -> dict[str, Any]:
    """Return the order that comes every day and says when it was updated."""
    return order("O-updated", D1, price=PRICES[day], quantity=1, updated_at=updated_at)


# Of the first day it says nothing: there the end of the day stands for it.
UPDATED = {D1: updated(D1, None), D2: updated(D2, version(D2, 12)), D3: updated(D3, version(D2, 9))}
SILENT = order("O-4", D3, user_id="U-told", city=None, signup_date=None, marketing_source=None)
TOLD = {
    D1: [order("O-11", D1, user_id="U-told", city="Berlin")],
    D2: [order("O-12", D2, user_id="U-told", city="Paris")],
    D3: [order("O-13", date(2025, 11, 1), user_id="U-told", city="Rome"), SILENT],  # loaded last, placed first
}


def load_three(shop: Warehouse, days: Iterable[date], *, compacted: bool = False) -> Warehouse:
    """Load the three days in this order, with all that comes again; compacted: merge the month after each."""
    shop.execute(RULES_OFF)
    for day in days:
        load(
            shop, day, [again(day), UPDATED[day], OTHER, *TOLD[day]],
            [event(day=D1, event_type=KINDS[day]), OTHER_EVENT], [product(product_name=NAMES[day])],
        )  # fmt: skip
        if compacted:
            shop.call("warehouse.compact_partitions", MERGE_NOVEMBER)
    return shop


@pytest.fixture(scope="module")
def in_order(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The three days, loaded one after the other."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("in-order")) as made:
        yield load_three(made, FIRST)


@pytest.fixture(scope="module")
def backwards(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The three days, the last one first, and the month merged after each."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("backwards")) as made:
        yield load_three(made, OTHERS[-1], compacted=True)


@pytest.fixture(params=["days", "compacted"])
def three_days(
    request: pytest.FixtureRequest, tmp_path: Path, in_order: Warehouse, backwards: Warehouse
) -> Iterator[Warehouse]:
    """A copy of either; every promise is asked of it at the end."""
    with copy_of(in_order if request.param == "days" else backwards, tmp_path) as copy:
        yield copy
        assert not broken_promises(copy.connection)


def put_in(shop: Warehouse, day: date, orders: Iterable[Any] = (), events: Iterable[Any] = ()) -> None:
    """Load a day in place of what it brought; a month that is merged is merged again."""
    merged = shop.value("SELECT to_regclass('warehouse.fact_orders_p_2025_11') IS NOT NULL")
    load(shop, day, orders, events)
    if merged:
        shop.call("warehouse.compact_partitions", MERGE_NOVEMBER)


@pytest.mark.once
def test_three_days_have_the_owners_that_they_say(three_days: Warehouse) -> None:
    assert lines(three_days) == [(D3, 1, "paid", 3)]
    assert lines(three_days, "O-updated") == [(D2, 1, "paid", 2)]
    assert lines(three_days, "O-other") == [(D3, 1, "paid", Decimal("19.98"))]
    assert owner(three_days) == [(D3, "purchase")]
    assert person(three_days, "U-told") == ("Paris", date(2025, 11, 1), D3, False)
    assert versions(three_days) == [("A", D1, D2), ("B", D2, D3), ("A", D3, None)]
    assert {day: figure[:2] for day, figure in figures(three_days).items()} == {D1: (1, 3), D2: (2, 2), D3: (4, 1)}


@pytest.mark.once
@pytest.mark.parametrize("days", OTHERS[:-1], ids=lambda days: "-".join(f"{day:%d}" for day in days))
def test_all_tables_are_the_same_whatever_was_loaded_first(
    in_order: Warehouse, warehouse: Warehouse, days: Sequence[date]
) -> None:
    """Backwards: with the month merged after each, below."""
    load_three(warehouse, days)
    with contextlib.closing(psycopg.connect(in_order.dsn)) as loaded:
        assert checksums(warehouse.connection) == checksums(loaded)
    assert not broken_promises(warehouse.connection)


def test_all_tables_are_the_same_of_days_that_were_merged(in_order: Warehouse, backwards: Warehouse) -> None:
    with contextlib.ExitStack() as stack:
        found = [
            checksums(stack.enter_context(contextlib.closing(psycopg.connect(loaded.dsn))))
            for loaded in (in_order, backwards)
        ]
    assert found[0] == found[1]


@pytest.mark.once
def test_orders_and_events_of_three_loads_go_back_step_by_step(three_days: Warehouse) -> None:
    put_in(three_days, D3, [OTHER], [OTHER_EVENT])
    assert lines(three_days) == [(D2, 1, "paid", 2)]
    assert owner(three_days) == [(D2, "search")]
    put_in(three_days, D1, [again(D1, Decimal(9))], [event(day=D1, event_type="share")])
    assert lines(three_days) == [(D2, 1, "paid", 2)]
    assert owner(three_days) == [(D2, "search")]
    put_in(three_days, D2)
    assert lines(three_days) == [(D1, 1, "paid", 9)]
    assert owner(three_days) == [(D1, "share")]
    put_in(three_days, D3, [again(D3)], [event(day=D1, event_type="login")])
    assert lines(three_days) == [(D3, 1, "paid", 3)]
    put_in(three_days, D1)
    assert owner(three_days) == [(D3, "login")]
    put_in(three_days, D3)
    assert (lines(three_days), owner(three_days)) == ([], [])
    assert three_days.value("SELECT count(*) FROM warehouse.order_owners WHERE order_id = 'O-1'") == 0
    assert three_days.value("SELECT count(*) FROM warehouse.late_events WHERE event_id = 'E-1'") == 0


@pytest.mark.once
def test_the_latest_updated_at_owns_an_order_and_goes_on_step_by_step(three_days: Warehouse) -> None:
    def deliver_again(day: date, updated_at: str | None) -> list[tuple[Any, ...]]:
        put_in(three_days, day, [updated(day, updated_at), OTHER])
        return lines(three_days, "O-updated")

    # The load keeps the order, and says that it changed before the others: it goes to the best of them, a later load.
    assert deliver_again(D2, version(D1, 1)) == [(D3, 1, "paid", 3)]
    # One that is not the owner becomes it, and stays it when its own time moves, but not below the others'.
    assert deliver_again(D1, version(D2, 13)) == [(D1, 1, "paid", 1)]
    assert deliver_again(D1, version(D2, 10)) == [(D1, 1, "paid", 1)]
    owned = "SELECT load_date, source_updated_at::text FROM warehouse.order_owners WHERE order_id = 'O-updated'"
    assert tuple(three_days.row(owned)) == (D1, "2025-11-29 10:00:00+00")
    assert deliver_again(D1, version(D2, 8)) == [(D3, 1, "paid", 3)]
    # Without the owner, the next in rank: not the last day, the latest version.
    put_in(three_days, D3, [OTHER])
    assert lines(three_days, "O-updated") == [(D1, 1, "paid", 1)]
    put_in(three_days, D1, [OTHER])
    assert lines(three_days, "O-updated") == [(D2, 1, "paid", 2)]
    assert deliver_again(D3, None) == [(D3, 1, "paid", 3)]


@pytest.mark.once
def test_users_and_products_of_three_loads_go_back_step_by_step(in_order: Warehouse, tmp_path: Path) -> None:
    with copy_of(in_order, tmp_path) as shop:

        def put(day: date, orders: Iterable[Any], catalogue: Iterable[Any]) -> list[tuple[Any, ...]]:
            load(shop, day, orders, products=catalogue)
            return versions(shop)

        first = date(2025, 11, 1)
        found = put(D2, [order("O-12", D2, user_id="U-2")], [product("P-2")])
        assert person(shop, "U-told") == ("Berlin", first, D3, False)
        assert found == [("A", D1, None)]
        found = put(D2, [], [product(product_name="C")])
        assert found == [("A", D1, D2), ("C", D2, D3), ("A", D3, None)]
        found = put(D1, [], [])
        assert person(shop, "U-told") == ("Rome", first, D3, False)
        assert found == [("C", D2, D3), ("A", D3, None)]
        found = put(D3, [SILENT], [])
        assert person(shop, "U-told") == (None, D3, D3, True)
        assert found == [("C", D2, None)]
        assert put(D2, [], []) == []
        load(shop, D3, [])
        assert person(shop, "U-told") is None
        # Nobody mentions it any more; the other orders named it.
        assert shop.value("SELECT count(*) FROM warehouse.dim_product WHERE product_id = 'P-1'") == 0
        assert not broken_promises(shop.connection)


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


@pytest.mark.once
def test_an_order_that_comes_again_counts_once_with_its_later_lines(shop: Warehouse) -> None:
    load(shop, D1, [basket("O-1", [item(price=10), item(price=5)], D1, status="pending")])
    assert figures(shop)[D1] == (2, 0, 15, 0)
    load(shop, D2, [basket("O-1", [item(price=10)], D1, status="paid")])
    assert lines(shop) == [(D2, 1, "paid", 10)]
    assert figures(shop) == {D1: (0, 2, 0, 0), D2: (1, 0, 10, 10)}


@pytest.mark.once
def test_an_earlier_load_that_comes_late_does_not_take_over(shop: Warehouse) -> None:
    load(shop, D2, [order(day=D1, price=10, quantity=1)])
    load(shop, D1, [order(day=D1, price=7, quantity=1), order("O-2", D1, price=1, quantity=1)])
    assert lines(shop) == [(D2, 1, "paid", 10)]
    assert figures(shop) == {D1: (1, 1, 1, 1), D2: (1, 0, 10, 10)}


# -- updated_at: the report with the latest one counts, whatever the day of its delivery ---------------------


@pytest.mark.once
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


@pytest.mark.once
def test_an_update_that_is_too_late_to_be_true_never_wins(shop: Warehouse) -> None:
    load(shop, D1, [order(day=D1, price=1, quantity=1, updated_at="9999-12-31T00:00:00Z")])
    load(shop, D2, [order(day=D1, price=2, quantity=1)])
    assert lines(shop) == [(D2, 1, "paid", 2)]
    assert shop.value("SELECT sum(rejected_orders_count) FROM warehouse.daily_metrics") == 1


@pytest.mark.once
def test_a_users_attributes_are_of_the_last_order_placed_not_of_the_last_update(shop: Warehouse) -> None:
    load(shop, D1, [order(day=D1, city="Berlin", updated_at=version(D2, 1))])
    load(shop, D2, [order("O-2", timestamp=f"{D1}T12:00:00Z", city="Paris", updated_at=version(D1, 1))])
    assert person(shop) == ("Paris", D1, D1, False)


@pytest.mark.once
def test_a_later_load_that_shrinks_or_grows_an_order_owns_exactly_its_lines(shop: Warehouse) -> None:
    load(shop, D1, [basket("O-1", [item(price=1), item(price=2), item(price=3)], D1)])
    load(shop, D2, [basket("O-1", [item(price=4), item(price=5)], D1)])
    load(shop, D2, [basket("O-1", [item(price=4)], D1)])
    assert lines(shop) == [(D2, 1, "paid", 4)]
    load(shop, D2, [basket("O-1", [item(price=p) for p in (4, 5, 6, 7)], D1)])
    assert [revenue for *_, revenue in lines(shop)] == [4, 5, 6, 7]
    assert figures(shop) == {D1: (0, 3, 0, 0), D2: (4, 0, 22, 22)}


@pytest.mark.once
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


@pytest.mark.once
def test_a_refused_redelivery_leaves_the_good_one_in_force(shop: Warehouse) -> None:
    load(shop, D1, [order(day=D1, price=10, quantity=1)])
    load(shop, D2, [order(day=D1, price=11, quantity=1)])
    shop.landing.put("orders", D2, "orders.json", '[{"order_id": "O-1"')
    shop.run(D2)
    assert lines(shop) == [(D2, 1, "paid", 11)]
    assert figures(shop)[D2] == (1, 0, 11, 11)


@pytest.mark.once
def test_days_with_the_same_orders_may_load_at_once(shop: Warehouse) -> None:
    """As days, and from the third round on within a merged month."""
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
        if price > 1:
            shop.call("warehouse.compact_partitions", MERGE_NOVEMBER)


@pytest.mark.once
def test_a_compaction_beside_runs_of_its_days_harms_neither(shop: Warehouse) -> None:
    for price in range(1, 4):
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


@pytest.mark.once
def test_the_same_event_id_at_another_time_is_another_event(shop: Warehouse) -> None:
    load(shop, D1, events=[event(day=D1)])
    load(shop, D2, events=[event(day=D1, event_ts=f"{D1}T12:00:00Z"), event(day=D2)])
    assert owner(shop) == [(D1, "page_view"), (D2, "page_view"), (D2, "page_view")]


@pytest.mark.once
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


@pytest.mark.once
def test_a_day_that_comes_again_with_something_newer_is_heard(shop: Warehouse) -> None:
    load(shop, D1, [order("O-1", D1, city="Berlin")])
    load(shop, D2, [order("O-2", timestamp=f"{D1}T12:00:00Z", city="Paris")])
    load(shop, D1, [order("O-1", timestamp=f"{D1}T11:00:00Z", city="Berlin")])
    assert person(shop) == ("Paris", D1, D1, False)
    load(shop, D1, [order("O-1", timestamp=f"{D1}T13:00:00Z", city="Rome")])
    assert person(shop) == ("Rome", D1, D1, False)


@pytest.mark.once
@pytest.mark.parametrize("sequence", list(permutations([D1, D2])), ids=["12", "21"])
def test_of_orders_of_the_same_moment_the_later_load_then_the_greater_id_speaks(shop: Warehouse, sequence: Any) -> None:
    said = {D1: [order("O-9", D1, city="Berlin")], D2: [order("O-1", D1, city="Paris"), order("O-2", D1, city="Rome")]}
    for day in sequence:
        load(shop, day, said[day])
    assert person(shop)[0] == "Rome"  # type: ignore[index]


@pytest.mark.once
def test_all_attributes_are_of_the_same_order(shop: Warehouse) -> None:
    load(shop, D1, [order("O-1", D1, city="Berlin", marketing_source="ads")])
    load(shop, D2, [order("O-2", D2, city=None, signup_date=None, marketing_source="mail")])
    row = shop.row("SELECT city, signup_date, marketing_source FROM warehouse.dim_user WHERE user_id = 'U-1'")
    assert tuple(row) == (None, None, "mail")


@pytest.mark.once
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


@pytest.mark.once
def test_a_product_missing_from_a_catalogue_stays_as_it_was(shop: Warehouse) -> None:
    load(shop, D1, products=[product(product_name="A")])
    load(shop, D2, products=[product("P-2")])
    load(shop, D3, products=[product(product_name="A")])
    assert versions(shop) == [("A", D1, None)]
    row = shop.row(
        "SELECT product_name, effective_from, is_inferred FROM warehouse.dim_product WHERE product_id = 'P-1'"
    )
    assert tuple(row) == ("A", D1, False)


@pytest.mark.once
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


@pytest.mark.once
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

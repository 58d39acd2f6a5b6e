"""What an order says of money: line totals, discounts, tax, shipping, refunds, currencies; shared to the last cent."""

import json
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Warehouse
from tests.promises import broken_promises
from tests.real_world import needs_real_world, put_case
from tests.shop import basket, item, order

# Arithmetic and joins, the same on every version.
pytestmark = pytest.mark.once

DAY = date(2025, 12, 19)
AMOUNTS = ("discount", "tax", "shipping", "refunded")


def lines_of(warehouse: Warehouse, order_id: str = "O-1") -> list[Any]:
    """Return the clean lines of an order."""
    return warehouse.rows("SELECT * FROM staging.orders_clean WHERE order_id = %s ORDER BY line_number", order_id)


def clean(warehouse: Warehouse, orders: list[Any], day: date = DAY) -> None:
    """Deliver and clean orders."""
    from glue.extract import extract

    warehouse.landing.orders(day, orders)
    extract("orders", day, dsn=warehouse.dsn, landing=str(warehouse.landing.folder))
    warehouse.call("staging.clean_orders", day)


def case(warehouse: Warehouse, name: str, day: date) -> None:
    """Deliver the orders of a case of real_world."""
    assert put_case(warehouse.landing, name) == day
    warehouse.execute("UPDATE audit.dq_rules SET enabled = false WHERE check_type IN ('volume', 'share')")
    warehouse.landing.events(day, [])
    warehouse.deliver(day)


def reasons(warehouse: Warehouse) -> dict[str, str]:
    """Return why each order was rejected."""
    return {row.record_id: row.failure_reason for row in warehouse.rows("SELECT * FROM audit.bad_records")}


def set_to(warehouse: Warehouse, name: str, value: str | None) -> None:
    """Change a setting."""
    warehouse.execute("UPDATE audit.settings SET value = %s WHERE name = %s", value, name)


def shares(amount: Decimal, weights: list[Decimal], digits: int) -> list[Decimal]:
    """Return the shares of an amount by largest remainder, worked out a second time."""
    digits = max(digits, -amount.normalize().as_tuple().exponent)  # type: ignore[operator]
    parts = Fraction(amount) * 10**digits
    weights = [max(weight, Decimal(0)) for weight in weights]
    basis = [Fraction(weight) for weight in weights] if sum(weights) > 0 else [Fraction(1)] * len(weights)
    exact = [parts * weight / sum(basis) for weight in basis]
    whole = [floor(share) for share in exact]
    left = int(parts) - sum(whole)
    for place in sorted(range(len(exact)), key=lambda n: (whole[n] - exact[n], n))[:left]:
        whole[place] += 1
    return [Decimal(share).scaleb(-digits) for share in whole]


# -- a line ------------------------------------------------------------------------------------------


def test_a_line_costs_its_line_total_or_quantity_times_price_less_its_discount(warehouse: Warehouse) -> None:
    """The source's own sum wins over a price that it rounded; the price is what that makes of one piece."""
    clean(
        warehouse,
        [
            basket(
                "O-1",
                [
                    item("A", 10, Decimal("14.30999"), line_total=Decimal("143.10")),
                    item("B", 3, None, line_total=Decimal(10), discount="1.50", tax=1),
                    item("C", "0.350", Decimal("1.5")),
                    item("D", 2, 10, discount=20),
                    item("E", 1, "1.00000001", discount="0.5"),
                ],
            )
        ],
    )
    found = [(r.product_id, r.quantity, r.unit_price, r.discount, r.tax, r.revenue) for r in lines_of(warehouse)]
    assert found == [
        ("A", 10, Decimal("14.31"), None, None, Decimal("143.1")),
        ("B", 3, Decimal("3.333333"), Decimal("1.5"), 1, Decimal("8.5")),
        ("C", Decimal("0.35"), Decimal("1.5"), None, None, Decimal("0.525")),
        ("D", 2, 10, 20, None, 0),
        ("E", 1, Decimal("1.00000001"), Decimal("0.5"), None, Decimal("0.50000001")),
    ]


def test_the_flat_shape_says_all_of_it_beside_the_line(warehouse: Warehouse) -> None:
    """What an order of one line says of itself, it says of its line."""
    clean(warehouse, [order(discount="0.98", tax=3, shipping=5, refunded=2, currency="eur", line_total=20, price=None)])
    (line,) = lines_of(warehouse)
    assert (line.revenue, line.unit_price, line.discount, line.tax, line.shipping, line.refunded) == (
        Decimal("19.02"), 10, Decimal("0.98"), 3, 5, 2,
    )  # fmt: skip
    assert (line.currency, line.revenue_in_currency) == ("EUR", Decimal("19.02"))


ABOVE = "the discounts are more than the line costs"
BAD = [
    (order(line_total="ten"), "line_total is not a number of at least 0"),
    (order(line_total=-1), "line_total is not a number of at least 0"),
    (order(line_total="1e15"), "line_total is not below 1e15"),
    (order(discount=-1), "discount is not a number of at least 0"),
    (order(discount={}), "discount is not a number of at least 0"),
    (order(discount="19.999"), ABOVE),
    (order(tax="x"), "tax is not a number of at least 0"),
    (order(shipping="free"), "shipping is not a number of at least 0"),
    (order(refunded=-5), "refunded is not a number of at least 0"),
    (order(currency="€"), "currency is not the code of one"),
    (order(currency={"code": "EUR"}), "currency is not the code of one"),
    (basket("B", [item(discount=20)]), ABOVE),
    (basket("B", [item(tax="x")]), "tax is not a number of at least 0"),
    (basket("B", [item()], shipping="x"), "shipping is not a number of at least 0"),
    (basket("B", [item(), item()], discount=100), ABOVE),
    # By a cent; by a cent each; by what a whole order has no room for.
    (basket("B", [item("A", 1, "9.99")], discount=10), ABOVE),
    (basket("B", [item("A", 1, "9.99", discount=10)], discount=0), ABOVE),
    (basket("B", [item("A", 1, 1)] * 100, discount=101), ABOVE),
    (basket("B", [item("A", 1, 100)] * 10, discount=1010, currency="JPY"), ABOVE),
    (basket("B", [item("A", 1, "9.995")], discount="10.01"), ABOVE),
    (basket("B", [item(price=None)]), "price is missing"),
]


def test_an_amount_that_is_none_rejects_what_it_is_of(warehouse: Warehouse) -> None:
    """A wrong amount never becomes zero."""
    clean(warehouse, [record | {"order_id": f"O-{number}"} for number, (record, _) in enumerate(BAD)])
    assert warehouse.value("SELECT count(*) FROM staging.orders_clean") == 0
    assert {name: reason.split("; ")[0] for name, reason in reasons(warehouse).items()} == {
        f"O-{number}": reason for number, (_, reason) in enumerate(BAD)
    }


# -- shares ------------------------------------------------------------------------------------------

cents = st.decimals(min_value=0, max_value=10_000, places=2)
amounts = st.one_of(st.none(), cents, st.decimals(min_value=0, max_value=50, places=3))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    baskets=st.lists(
        st.tuples(
            st.lists(
                st.tuples(st.integers(1, 9), cents, st.one_of(st.none(), st.just(Decimal(0)))), min_size=1, max_size=9
            ),
            st.fixed_dictionaries(dict.fromkeys(("tax", "shipping", "refunded"), amounts)),
            st.integers(0, 100),
        ),
        min_size=1,
        max_size=12,
    ),
    currency=st.sampled_from([None, "EUR", "JPY", "KWD"]),
)
def test_amounts_of_an_order_are_shared_to_the_last_part(
    warehouse: Warehouse, baskets: list[Any], currency: str | None
) -> None:
    """Largest remainder, by what the lines cost, then by line: the shares sum to the amount, whatever it is."""
    digits = {"JPY": 0, "KWD": 3}.get(currency or "", 2)
    orders, expected = [], {}
    for number, (items, of_order, percent) in enumerate(baskets):
        costs = [quantity * price for quantity, price, _ in items]
        told = of_order | {"discount": (sum(costs) * percent / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)}
        told = {name: amount for name, amount in told.items() if amount is not None and amount <= sum(costs)}
        orders.append(
            basket(
                f"O-{number}", [item("P", quantity, price, discount=own) for quantity, price, own in items],
                **told, **({"currency": currency} if currency else {}),
            )
        )  # fmt: skip
        expected[f"O-{number}"] = {name: shares(amount, costs, digits) for name, amount in told.items()}
    warehouse.execute("DELETE FROM audit.step_inputs")
    clean(warehouse, orders)
    for order_id, of_lines in expected.items():
        found = lines_of(warehouse, order_id)
        for name in AMOUNTS:
            assert [getattr(line, name) for line in found if getattr(line, name)] == [
                share for share in of_lines.get(name, []) if share
            ], (order_id, name)
        for line in found:
            assert line.revenue == line.quantity * line.unit_price - (line.discount or 0)


def test_an_order_of_many_items_is_shared_in_one_pass(warehouse: Warehouse) -> None:
    """What sharing costs grows with the lines, not with their square; the sum is exact."""
    clean(warehouse, [basket("O-1", [item("P", 1, Decimal("0.01"))] * 30_000, shipping=Decimal("100.01"), discount=1)])
    sums = "SELECT count(*), sum(shipping) AS shipping, sum(discount) AS discount, sum(revenue) AS revenue"
    assert tuple(warehouse.row(f"{sums} FROM staging.orders_clean")) == (30_000, Decimal("100.01"), 1, 299)


@pytest.mark.parametrize(
    ("currency", "shipping", "expected"), [(None, "0.05", ["0.02", "0.02", "0.01"]), ("JPY", 5, ["2", "2", "1"])]
)
def test_what_is_left_over_goes_to_the_first_of_equals(
    warehouse: Warehouse, currency: str | None, shipping: Any, expected: list[str]
) -> None:
    """In smallest parts of the warehouse's currency, where the order names none."""
    set_to(warehouse, "currency", currency)
    clean(warehouse, [basket("O-1", [item(price=10)] * 3, shipping=shipping)])
    assert [row.shipping for row in lines_of(warehouse)] == [Decimal(share) for share in expected]


def test_a_number_has_forty_characters_at_most(warehouse: Warehouse) -> None:
    clean(warehouse, [order(f"O-{length}", price=f"1.{5:0{length - 2}}") for length in (40, 41)])
    assert reasons(warehouse) == {"O-41": "price is not a number of at least 0"}
    assert [row.unit_price for row in lines_of(warehouse, "O-40")] == [Decimal("1." + "0" * 37 + "5")]


def test_an_amount_that_no_item_can_share_rejects_its_order_and_no_more(warehouse: Warehouse) -> None:
    amounts = dict.fromkeys(AMOUNTS, "1e99")
    clean(
        warehouse, [basket("bare", [], **amounts), basket("two", [item(), item()], **amounts), basket("good", [item()])]
    )
    told = reasons(warehouse)
    assert told.keys() == {"bare", "two"}
    assert "items is not a list with at least one item" in told["bare"]
    assert all("discount is not below 1e15" in reason for reason in told.values())
    assert len(lines_of(warehouse, "good")) == 1


def test_amounts_are_judged_without_a_call_for_each(warehouse: Warehouse) -> None:
    """A function of SQL that is not inlined is prepared anew for each value: it costs several times what it does."""
    amounts = {"currency": "eur", "discount": " 1.5", "tax": 2, "shipping": "3", "refunded": 1}
    lines = [item(line_total=20, discount=1, tax=2, quantity=quantity) for quantity in (1, 2, "none")]
    baskets = [basket(f"O-{n}", lines[n % 2 : 2 + n % 2], **amounts) for n in range(200)]
    flat = [order(f"F-{n}", line_total=n, discount=0, tax="x" * (n % 2), shipping=1) for n in range(200)]
    set_to(warehouse, "currency", "EUR")
    warehouse.landing.orders(DAY, baskets + flat)
    warehouse.deliver(DAY)
    owner = warehouse.connect()
    owner.execute("SET track_functions = 'all'")
    owner.execute("CALL staging.clean_orders(%s)", [DAY])
    owner.execute("SELECT pg_stat_force_next_flush()")
    called = owner.execute("SELECT funcname FROM pg_stat_user_functions WHERE calls >= 150").fetchall()
    assert {name for (name,) in called} == {
        "_order_amounts", "_item_shares", "_allocated", "_priced", "_order_problems",
    }  # fmt: skip


def test_amounts_of_many_digits_are_shared_and_divided_exactly(warehouse: Warehouse) -> None:
    """More digits than a division of PostgreSQL keeps by itself; such a line breaks no rule."""
    whole = "123456789.123456789"
    clean(
        warehouse,
        [
            basket("O-1", [item("A", 1, 1), item("B", 1, 2)], shipping=whole, refunded=whole),
            basket("O-2", [item("A", 7, None, line_total=123456789012345)]),
        ],
    )
    sums = warehouse.row("SELECT sum(shipping) AS s, sum(refunded) AS r FROM staging.orders_clean")
    assert tuple(sums) == (Decimal(whole), Decimal(whole))
    assert [line.unit_price for line in lines_of(warehouse, "O-2")] == [Decimal("17636684144620.714286")]
    broken = "SELECT expression FROM audit.dq_rules WHERE rule_name = 'orders_range'"
    rule = warehouse.value(broken).replace("$1", f"date '{DAY}'")
    assert warehouse.value(f"SELECT count(*) FROM staging.orders_clean WHERE ({rule}) IS NOT TRUE") == 0


# -- to the facts and metrics ------------------------------------------------------------------------


def test_every_sum_is_right_in_facts_views_and_metrics(warehouse: Warehouse) -> None:
    """A sale keeps what was not refunded; what is no sale counts nothing; a later report takes its amounts along."""
    set_to(warehouse, "in_place_percent", "100")
    sold = basket(
        "O-1", [item("A", 1, 10), item("B", 1, 20)], discount=3, shipping=5, tax=2, refunded=6, currency="EUR"
    )
    warehouse.landing.orders(DAY, [sold, order("O-2", status="cancelled", refunded=4, currency="EUR")])
    warehouse.landing.events(DAY, [])
    warehouse.execute("UPDATE audit.dq_rules SET enabled = false WHERE check_type = 'volume'")
    warehouse.run(DAY)
    figures = "revenue, net_revenue, discount, tax, shipping, refunded"
    metrics = f"SELECT {figures} FROM warehouse.daily_metrics WHERE run_date = %s"
    assert tuple(warehouse.row(metrics, DAY)) == (Decimal("46.98"), 21, 3, 2, 5, 10)
    assert warehouse.rows("SELECT product_id, revenue, refunded, net_revenue FROM warehouse.sales ORDER BY 1") == [
        ("A", 9, 2, 7), ("B", 18, 4, 14),
    ]  # fmt: skip
    assert warehouse.rows("SELECT order_id, net_revenue, shipping, currency FROM warehouse.orders ORDER BY 1") == [
        ("O-1", 21, 5, "EUR"), ("O-2", 0, None, "EUR"),
    ]  # fmt: skip
    assert warehouse.value("SELECT sum(net_revenue) FROM warehouse.order_lines") == 21

    later = date(2025, 12, 20)
    warehouse.landing.orders(later, [sold | {"refunded": 30, "timestamp": f"{DAY}T10:00:00Z"}])
    warehouse.landing.events(later, [])
    warehouse.run(later)
    assert tuple(warehouse.row(metrics, DAY)) == (Decimal("19.98"), 0, 0, 0, 0, 4)
    assert tuple(warehouse.row(metrics, later)) == (27, -3, 3, 2, 5, 30)
    assert warehouse.value("SELECT sum(refunded) FROM warehouse.orders_superseded") == 6
    assert not any(broken_promises(warehouse.connection).values())


# -- currencies --------------------------------------------------------------------------------------


@needs_real_world
def test_a_day_of_two_currencies_is_blocked_until_the_warehouse_has_one(warehouse: Warehouse) -> None:
    """Sums of yen and euros are nobody's money."""
    day = date(2025, 4, 10)
    case(warehouse, "40_multi_currency", day)
    import psycopg

    with pytest.raises(psycopg.Error) as blocked:
        warehouse.call("warehouse.run_day", day)
    assert blocked.value.sqlstate == "WH001"
    verdict = warehouse.row("SELECT passed, sample FROM audit.dq_results WHERE rule_name = 'orders_currencies'")
    assert (verdict.passed, verdict.sample) == (False, ["JPY", "USD_CENTS"])

    set_to(warehouse, "currency", "EUR")
    warehouse.call("warehouse.run_day", day)
    assert warehouse.rows("SELECT order_id, revenue, currency FROM warehouse.fact_orders") == [
        ("40-1", Decimal("19.99"), "EUR")
    ]
    assert set(reasons(warehouse)) == {"40-2", "40-3"}
    assert all(reason.startswith("currency has no rate") for reason in reasons(warehouse).values())

    warehouse.execute("INSERT INTO warehouse.exchange_rates VALUES ('JPY', '2025-04-01', 0.0061)")
    warehouse.call("warehouse.run_day", day)
    found = warehouse.rows(
        "SELECT order_id, unit_price, revenue, currency, revenue_in_currency FROM warehouse.fact_orders"
    )
    assert sorted(found) == [
        ("40-1", Decimal("19.99"), Decimal("19.99"), "EUR", Decimal("19.99")),
        ("40-2", Decimal("18.2939"), Decimal("18.2939"), "JPY", 2999),
    ]
    assert set(reasons(warehouse)) == {"40-3"}
    assert not any(broken_promises(warehouse.connection).values())


def test_only_the_currencies_of_clean_lines_block_a_day(warehouse: Warehouse) -> None:
    """An order that was corrected within the day, or refused, is in nobody's sum."""
    orders = [
        order("O-1", currency="EUR"), order("O-1", currency="usd"), order("O-2", currency="USD"), order("O-3"),
        order("O-4", currency="GBP", quantity=0), order("O-5", currency="€"),
    ]  # fmt: skip
    clean(warehouse, orders)
    currencies = "SELECT currencies FROM staging.loads WHERE source = 'orders'"
    assert warehouse.value(currencies) == ["USD"]
    clean(warehouse, [*orders, order("O-6", currency="GBP")])
    assert warehouse.value(currencies) == ["GBP", "USD"]


def test_converted_lines_break_no_rule_where_a_price_is_rounded(warehouse: Warehouse) -> None:
    """A line sold for nothing, one that is worth nearly the same in both, a million of a price of many digits."""
    set_to(warehouse, "currency", "EUR")
    warehouse.execute(
        "INSERT INTO warehouse.exchange_rates VALUES ('USD', '2025-01-01', 0.8765), ('CHF', '2025-01-01', 1.0001)"
    )
    free = basket("O-1", [item("A", 1, "9.99", discount="9.99")], currency="USD")
    many = order("O-3", quantity=1_000_000, price="0.0123456", currency="USD")
    warehouse.landing.orders(DAY, [free, order("O-2", quantity=1, price=1, currency="CHF"), many])
    warehouse.landing.events(DAY, [])
    warehouse.execute("UPDATE audit.dq_rules SET enabled = false WHERE check_type IN ('volume', 'share')")
    warehouse.run(DAY)
    found = warehouse.rows("SELECT unit_price, discount, revenue FROM warehouse.fact_orders ORDER BY order_id")
    assert found == [
        (Decimal("8.756235"), Decimal("8.756235"), 0),
        (Decimal("1.0001"), None, Decimal("1.0001")),
        (Decimal("0.010821"), None, Decimal("10820.9184")),
    ]


def test_a_rate_is_missed_only_for_a_day_that_an_order_may_have(warehouse: Warehouse) -> None:
    """What is refused for its time is not refused for a rate, too: its rates are no input of the day."""
    set_to(warehouse, "currency", "EUR")
    times = {"O-1": None, "O-2": "soon", "O-3": "2025-12-20T00:00:00Z", "O-4": "2019-01-01", "O-5": "2025-12-18"}
    clean(warehouse, [order(name, currency="USD") | {"timestamp": time} for name, time in times.items()])
    assert ["rate" in reason for _, reason in sorted(reasons(warehouse).items())] == [False] * 4 + [True]


def test_a_rate_holds_from_its_day_on_and_a_change_makes_its_days_work_again(warehouse: Warehouse) -> None:
    """The rate is that of the day of the order, not of the delivery; days before it do nothing."""
    set_to(warehouse, "currency", "EUR")
    for currency, valid_from, rate in [
        ("USD", "2025-12-01", "0.9"),
        ("USD", "2025-12-19", "0.8"),
        ("USD", "2025-12-20", "0.5"),
    ]:
        warehouse.execute(
            "INSERT INTO warehouse.exchange_rates VALUES (%s, %s, %s)", currency, valid_from, Decimal(rate)
        )
    old = order("O-1", "2025-12-18", currency="usd", price=10, quantity=1)
    clean(warehouse, [old, order("O-2", currency="USD", price=10, quantity=1), order("O-3", price=10, quantity=1)])
    clean(warehouse, [order("O-4", "2025-12-18", price=1)], date(2025, 12, 18))
    found = warehouse.rows(
        "SELECT order_id, revenue, currency, revenue_in_currency FROM staging.orders_clean ORDER BY 1"
    )
    assert found == [("O-1", 9, "USD", 10), ("O-2", 8, "USD", 10), ("O-3", 10, "EUR", 10), ("O-4", 2, "EUR", 2)]

    worked = "SELECT run_date, work_number FROM audit.step_inputs WHERE step = 'clean_orders' ORDER BY run_date"
    before = warehouse.rows(worked)
    warehouse.execute("UPDATE warehouse.exchange_rates SET rate = 0.7 WHERE valid_from = '2025-12-19'")
    for day in (date(2025, 12, 18), DAY):
        warehouse.call("staging.clean_orders", day)
    after = warehouse.rows(worked)
    assert [a.work_number == b.work_number for a, b in zip(before, after, strict=True)] == [True, False]
    assert warehouse.value("SELECT revenue FROM staging.orders_clean WHERE order_id = 'O-2'") == 7


def test_sums_of_converted_lines_are_what_the_order_is_worth(warehouse: Warehouse) -> None:
    """Nothing is rounded line by line: shipping of 10 dollars is 9 euros on three lines, too, and kurus add up."""
    set_to(warehouse, "currency", "EUR")
    warehouse.execute(
        "INSERT INTO warehouse.exchange_rates VALUES ('USD', '2025-01-01', 0.9), ('TRY', '2025-01-01', 0.0206)"
    )
    abroad = [
        basket(
            "O-1", [item(name, 1, 10) for name in "ABC"], shipping=10, discount=1, tax=2, refunded=4, currency="USD"
        ),
        basket("O-2", [item(f"P-{n}", 1, "2.15") for n in range(25)], shipping="53.75", currency="TRY"),
    ]
    clean(warehouse, abroad)
    assert [line.shipping for line in lines_of(warehouse)] == [Decimal("3.006"), Decimal("2.997"), Decimal("2.997")]
    sums = ", ".join(f"sum({name}) AS {name}" for name in ("revenue", *AMOUNTS, "revenue_in_currency"))
    found = warehouse.rows(f"SELECT {sums} FROM staging.orders_clean GROUP BY order_id ORDER BY order_id")
    assert [tuple(row) for row in found] == [
        (Decimal("26.1"), Decimal("0.9"), Decimal("1.8"), 9, Decimal("3.6"), 29),
        (Decimal("1.10725"), None, None, Decimal("1.10725"), None, Decimal("53.75")),
    ]


def test_a_warehouse_in_yen_keeps_parts_of_one(warehouse: Warehouse) -> None:
    """What 29 euros are worth, to the last digit: an export rounds, a sum does not."""
    set_to(warehouse, "currency", "JPY")
    warehouse.execute("INSERT INTO warehouse.exchange_rates VALUES ('EUR', '2025-01-01', 163.456)")
    clean(warehouse, [basket("O-1", [item("A", 3, "9.99", discount="0.97")], shipping="4.90", currency="EUR")])
    (line,) = lines_of(warehouse)
    assert (line.revenue, line.discount, line.shipping, line.revenue_in_currency) == (
        Decimal("4740.224"), Decimal("158.55232"), Decimal("800.9344"), 29,
    )  # fmt: skip
    assert line.unit_price == Decimal("1632.92544")


# -- below zero --------------------------------------------------------------------------------------


def test_lines_below_zero_count_only_if_the_setting_says_so(warehouse: Warehouse) -> None:
    """As shipped a return is rejected; with negative_lines it is less money."""
    orders = [
        basket("O-1", [item("A", 2, 10)]), order("O-2", quantity=-1, price=10), order("O-3", quantity=1, price=-5),
        order("O-4", quantity=0), order("O-5", price=None, line_total="-7.5", quantity=1),
    ]  # fmt: skip
    clean(warehouse, orders)
    assert set(reasons(warehouse)) == {"O-2", "O-3", "O-4", "O-5"}
    set_to(warehouse, "negative_lines", "1")
    warehouse.call("staging.clean_orders", DAY)
    assert reasons(warehouse) == {"O-4": "quantity is not a number other than 0"}
    found = dict(warehouse.rows("SELECT order_id, revenue FROM staging.orders_clean"))
    assert found == {"O-1": 20, "O-2": -10, "O-3": -5, "O-5": Decimal("-7.5")}
    warehouse.execute("UPDATE audit.dq_rules SET enabled = false WHERE check_type = 'volume'")
    warehouse.landing.events(DAY, [])
    warehouse.run(DAY)
    assert warehouse.value("SELECT revenue FROM warehouse.daily_metrics") == Decimal("-2.5")


def test_a_return_takes_its_discount_back(warehouse: Warehouse) -> None:
    """What was sold for 8 after a discount of 2 comes back for 8; a discount below zero of anything else is none."""
    set_to(warehouse, "negative_lines", "1")
    clean(
        warehouse,
        [
            basket("O-1", [item("A", -1, 10, discount=-2), item("B", 1, None, line_total=-5, discount="-5")]),
            basket("O-2", [item("A", -1, 10, discount="-10.01")]),
            order("O-3", quantity=1, price=10, discount=-2),
            order("O-4", quantity=-1, price=10, discount=-2, tax="-1.9"),
        ],
    )
    assert [(line.revenue, line.discount) for line in lines_of(warehouse)] == [(-8, -2), (0, -5)]
    assert [(line.revenue, line.tax) for line in lines_of(warehouse, "O-4")] == [(-8, Decimal("-1.9"))]
    assert {name: reason.split("; ")[-1] for name, reason in reasons(warehouse).items()} == {
        "O-2": ABOVE, "O-3": "discount is not a number of at least 0",
    }  # fmt: skip


def test_a_whole_cent_may_take_what_is_left_of_half_a_one(warehouse: Warehouse) -> None:
    """A price of 9.995 that the shop gave away for 10.00 is a rounding of the shop's, and no fault."""
    clean(
        warehouse,
        [
            basket("O-1", [item("A", 1, "9.995")], discount=10),
            basket("O-2", [item("A", "0.35", "1.5")], discount="0.53"),
        ],
    )
    found = "SELECT order_id, discount, revenue FROM staging.orders_clean ORDER BY 1"
    assert [tuple(row) for row in warehouse.rows(found)] == [
        ("O-1", 10, Decimal("-0.005")), ("O-2", Decimal("0.53"), Decimal("-0.005")),
    ]  # fmt: skip


# -- what shops really send --------------------------------------------------------------------------


@needs_real_world
def test_a_price_that_no_currency_has_stays_and_its_orders_are_named(warehouse: Warehouse) -> None:
    """Case 06: binary fractions of a shop's program."""
    day = date(2025, 3, 7)
    case(warehouse, "06_woo_float_price", day)
    warehouse.call("warehouse.run_day", day)
    assert warehouse.value("SELECT max(unit_price) FROM warehouse.fact_orders") == Decimal("17.169999999999998")
    verdict = warehouse.row("SELECT severity, passed, sample FROM audit.dq_results WHERE rule_name = 'orders_prices'")
    assert tuple(verdict) == ("warning", False, ["W-1", "W-2", "W-3"])


@needs_real_world
def test_quantities_need_not_be_whole(warehouse: Warehouse) -> None:
    """Case 25: kilograms count, what is no number does not."""
    day = date(2025, 3, 26)
    case(warehouse, "25_quantities", day)
    warehouse.call("staging.clean_orders", day)
    assert tuple(warehouse.row("SELECT count(*), sum(revenue) FROM staging.orders_clean")) == (3, Decimal("5.025"))
    assert len(reasons(warehouse)) == 5


def test_a_setting_that_is_no_currency_is_refused(warehouse: Warehouse) -> None:
    """It is three capital letters, and other settings are still whole numbers."""
    import psycopg

    for name, value in (("currency", "eur"), ("currency", "1"), ("negative_lines", "EUR")):
        with pytest.raises(psycopg.errors.CheckViolation):
            set_to(warehouse, name, value)


def test_an_erased_order_keeps_its_money(warehouse: Warehouse) -> None:
    """What is erased is the person: every amount stays, of the order and of its items."""
    sold = basket(
        "O-1", [item("A", 1, 10, discount=1, tax=2)], discount=3, shipping=5, tax=2, refunded=6, currency="EUR"
    )
    warehouse.landing.orders(DAY, [sold])
    warehouse.landing.events(DAY, [])
    warehouse.execute("UPDATE audit.dq_rules SET enabled = false WHERE check_type = 'volume'")
    warehouse.run(DAY)
    money = "SELECT revenue, discount, tax, shipping, refunded, currency FROM warehouse.fact_orders"
    before = tuple(warehouse.row(money))
    warehouse.call("audit.erase_user", "U-1", "asked")
    warehouse.execute("DELETE FROM audit.step_inputs")
    warehouse.call("warehouse.run_day", DAY)
    assert tuple(warehouse.row(money)) == before == (6, 4, 4, 5, 6, "EUR")
    assert "U-1" not in json.dumps(warehouse.value("SELECT raw_json FROM raw.orders_json"))

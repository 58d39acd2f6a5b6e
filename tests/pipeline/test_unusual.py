"""What a day amounts to, what is usual, and the rules that say so: each is seen to pass and to fail."""

import contextlib
import math
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import Warehouse
from tests.rules import UNUSUAL, deliver_good_day, judge, results
from tests.shop import basket, event, events, item, order, orders, product
from tests.steps import DAY, steps_that_work

# Arithmetic and joins, the same on every version.
pytestmark = pytest.mark.once

# DAY is a Friday.
HISTORY = """
    INSERT INTO audit.day_profile (run_date, measure, kind, value, of)
    SELECT p.run_date - n, p.measure, p.kind, p.value, p.of
    FROM audit.day_profile p, generate_series(1, %s) n WHERE p.run_date = %s;
"""
CODES = """
    INSERT INTO audit.day_codes (run_date, kind, code, rows)
    SELECT c.run_date - n, c.kind, c.code, c.rows
    FROM audit.day_codes c, generate_series(1, %s) n WHERE c.run_date = %s;
"""


def clean(warehouse: Warehouse) -> None:
    """Deliver and clean the day."""
    warehouse.deliver(DAY)
    for source in ("orders", "events", "products"):
        warehouse.call(f"staging.clean_{source}", DAY)


def with_history(warehouse: Warehouse, days: int = 62) -> None:
    """Clean a good day, and give it days before that were just like it, as cleaning would have recorded them."""
    deliver_good_day(warehouse)
    warehouse.landing.events(DAY, typed_events(page_view="view_item"))
    clean(warehouse)
    for statement in (HISTORY, CODES):
        warehouse.execute(statement, days, DAY)


def typed_events(**types: str) -> list[dict[str, Any]]:
    """Return the events of the day, some types replaced by others."""
    made = events(100, DAY)
    return [record | {"event_type": types.get(record["event_type"], record["event_type"])} for record in made]


def judged(warehouse: Warehouse) -> dict[str, Any]:
    """Judge the day, whatever was found before; return the verdicts by rule."""
    warehouse.execute("DELETE FROM audit.step_inputs WHERE step = 'check_quality'")
    with contextlib.suppress(psycopg.Error):
        warehouse.call("audit.check_quality", DAY)
    return results(warehouse)


def change(warehouse: Warehouse, measure: str, value: Any, days: str = "= %s", day: date = DAY) -> None:
    """Give a measure another value on the day, or on the days before."""
    warehouse.execute(
        f"UPDATE audit.day_profile SET value = %s WHERE measure = %s AND run_date {days}", value, measure, day
    )


def block(warehouse: Warehouse, day: date) -> None:
    """Have the gate's last verdict of a day say that it is blocked."""
    warehouse.execute(
        "WITH run AS (INSERT INTO audit.pipeline_runs (run_date, status, triggered_by) VALUES (%s, 'blocked', 'me')"
        " RETURNING run_id)"
        " INSERT INTO audit.gate_verdicts (run_date, staging_versions, passed, run_id)"
        " SELECT %s, '{1}', false, run_id FROM run",
        day, day,
    )  # fmt: skip


def profile(warehouse: Warehouse) -> dict[str, float]:
    """Return the measures of the day."""
    rows = warehouse.rows("SELECT measure, value FROM audit.day_profile WHERE run_date = %s", DAY)
    return {row.measure: round(float(row.value), 6) for row in rows}


# -- what a day amounts to ---------------------------------------------------------------------------


def test_a_day_is_measured_from_its_clean_rows(warehouse: Warehouse) -> None:
    warehouse.execute("UPDATE audit.settings SET value = 'Europe/Berlin' WHERE name = 'time_zone'")
    before = DAY - timedelta(days=1)
    late = order("O-4", before, user_id="U-3", quantity=1, price=20, marketing_source="")
    warehouse.landing.orders(DAY, [
        basket("O-1", [item("P-1", 2, 10), item("P-2", 1, 5)], DAY, timestamp=f"{DAY}T16:59:59Z"),
        order("O-2", DAY, user_id=None, quantity=1, price=40, refunded=10, timestamp=f"{DAY}T17:00:00Z", gift="yes"),
        order("O-3", DAY, user_id="U-3", status="cancelled", city=None, price=1000),
        late, late | {"updated_at": f"{before}T19:00:00Z"},
        order("O-5", DAY, quantity=0),
    ])  # fmt: skip
    warehouse.landing.events(DAY, [
        event("E-1", DAY, event_type="view_item"), event("E-2", DAY, event_type="product_view", user_id=None),
        event("E-3", DAY, event_type="view"), event("E-4", DAY, event_type="purchase", product_id=None),
        event("E-5", DAY, event_type="page_view", event_ts="soon"),
    ])  # fmt: skip
    warehouse.landing.products(DAY, [product("P-1"), product("P-1"), product(""), product("P-2") | {"weight": 3}])
    clean(warehouse)
    assert profile(warehouse) == {
        "orders": 4, "order_lines": 5, "order_lines_delivered": 7, "users_ordering": 2, "products_ordered": 2,
        "net_revenue": 75, "basket": 25, "orders_rejected": round(1 / 7, 6), "orders_without_user": 0.25,
        "orders_without_city": 0.25, "orders_without_source": 0.25, "orders_after_18": round(1 / 3, 6),
        "orders_unknown_fields": 1,
        "events": 4, "events_delivered": 5, "conversion": round(1 / 3, 6), "events_rejected": 0.2,
        "events_without_user": 0.25, "events_without_product": 0.25, "events_unknown_fields": 0,
        "products": 2, "products_delivered": 4, "products_unknown_fields": 1,
    }  # fmt: skip
    codes = warehouse.rows("SELECT kind, code, rows FROM audit.day_codes WHERE run_date = %s", DAY)
    found = {(row.kind, row.code): row.rows for row in codes}
    assert {key: rows for key, rows in found.items() if "field" not in key[0]} == {
        ("order_status", "paid"): 4, ("order_status", "cancelled"): 1,
        ("event_type", "product_view"): 3, ("event_type", "purchase"): 1,
    }  # fmt: skip
    assert found["orders field", "items.price"] == found["orders field", "user.city"] == 1
    assert found["orders field", "city"] == 4
    assert found["orders field", "gift"] == found["products field", "weight"] == 1
    assert not {("orders field", "user"), ("orders field", "items")} & set(found)


def test_a_day_that_is_cleaned_again_is_measured_again(warehouse: Warehouse) -> None:
    deliver_good_day(warehouse)
    clean(warehouse)
    before = profile(warehouse)
    warehouse.landing.orders(DAY, orders(7, DAY, status="shipped", currency="EUR"))
    clean(warehouse)
    after = profile(warehouse)
    assert after == before | {
        "orders": 7, "order_lines": 7, "order_lines_delivered": 7, "users_ordering": 7, "net_revenue": 139.86,
    }  # fmt: skip
    codes = "SELECT kind, code FROM audit.day_codes WHERE kind IN ('order_status', 'currency') ORDER BY kind"
    assert warehouse.rows(codes) == [("currency", "EUR"), ("order_status", "shipped")]
    assert warehouse.value("SELECT count(*) FROM audit.profile_digests") == 3


def test_a_day_without_a_file_is_not_a_day_of_nothing(warehouse: Warehouse) -> None:
    warehouse.landing.orders(DAY, [])
    clean(warehouse)
    assert {name: value for name, value in profile(warehouse).items() if value or name == "orders"} == {"orders": 0}
    assert "events" not in profile(warehouse)


def test_an_order_that_lost_its_first_line_is_an_order(warehouse: Warehouse) -> None:
    warehouse.execute("UPDATE audit.settings SET value = '1' WHERE name = 'partial_orders'")
    warehouse.landing.orders(DAY, [basket("O-1", [item("P-1", 0), item("P-2")], DAY), order("O-2", DAY)])
    clean(warehouse)
    assert (profile(warehouse)["orders"], profile(warehouse)["order_lines"]) == (2, 2)


def test_what_is_no_code_is_not_kept_as_one(warehouse: Warehouse) -> None:
    """A mail address or an id is somebody's; ten thousand names are no schema."""
    many = {f"a{chr(97 + n // 676)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}": 1 for n in range(3000)}
    warehouse.landing.orders(
        DAY, [order("O-1", DAY) | {"ann@example.com": 1, "12345": 1, "x" * 99: 1, "a\u0007b": 1, "größe": 1} | many]
    )
    warehouse.landing.events(DAY, [event("E-1", DAY, event_type="ann@example.com"), event("E-2", DAY)])
    clean(warehouse)
    kept = warehouse.rows("SELECT kind, code FROM audit.day_codes")
    assert not [code for _, code in kept if "@" in code or len(code) > 60 or "12345" in code]
    assert ("event_type", "(odd)") in kept
    assert ("orders field", "(odd)") in kept
    assert len([kind for kind, _ in kept if kind == "orders field"]) == 100


# -- what is usual -----------------------------------------------------------------------------------


def comparable(kind: str, value: float) -> float:
    """Return a value on the scale on which it varies alike."""
    if kind == "share":
        return 2 * math.asin(math.sqrt(min(max(value, 0), 1)))
    return math.log(max(value, 0.5 if kind == "count" else 0.01))


def expected_z(kind: str, series: dict[date, float], out: set[date], day: date, of: float) -> float | None:
    """Return what the specification says of a day, by the book."""
    window = [d for d in series if day - timedelta(days=56) <= d < day and d not in out]
    same = [d for d in window if d.weekday() == day.weekday()]
    if day not in series or len(same) < 3 or len(window) < 14:
        return None
    rest: dict[date, float] = {}
    for d in window:
        others = [comparable(kind, series[o]) for o in window if o.weekday() == d.weekday() and o != d]
        if others:
            rest[d] = abs(comparable(kind, series[d]) - median(others))
    usual = median(series[d] for d in same)
    floor = {
        "count": math.sqrt(1 / max(usual, 0.5) + 0.03**2), "money": 0.05, "share": max(1 / math.sqrt(of), 0.01),
    }[kind]  # fmt: skip
    own = [median(rest[d] for d in same)] if len(same) >= 6 else []
    spread = 1.4826 * max([median(rest.values()), *own]) if rest else 0
    return (comparable(kind, series[day]) - comparable(kind, usual)) / max(spread, floor)


MEASURES = {"count": "orders", "money": "net_revenue", "share": "orders_rejected"}


@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), kind=st.sampled_from(sorted(MEASURES)))
def test_usual_is_what_the_specification_says(warehouse: Warehouse, data: st.DataObject, kind: str) -> None:
    values = st.floats(0, 1).map(lambda v: round(v, 3)) if kind == "share" else st.integers(0, 10_000)
    days = [DAY - timedelta(days=n) for n in range(70)]
    drawn = data.draw(st.lists(st.one_of(st.none(), values), min_size=70, max_size=70))
    series = {day: float(value) for day, value in zip(days, drawn, strict=True) if value is not None}
    # The judged day itself may be blocked; not so one that is expected.
    blocked = set(data.draw(st.lists(st.sampled_from(days), max_size=6)))
    expected = set(data.draw(st.lists(st.sampled_from(days), max_size=6)))
    warehouse.execute(
        "TRUNCATE audit.day_profile, audit.expected_days, audit.gate_verdicts, audit.pipeline_runs CASCADE"
    )
    with warehouse.connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO audit.day_profile VALUES (%s, %s, %s, %s, %s)",
            [(day, MEASURES[kind], kind, value, 50 if kind == "share" else None) for day, value in series.items()],
        )
        cursor.executemany("INSERT INTO audit.expected_days VALUES (%s, %s, 'sale')", [(d, d) for d in expected])
        run = "INSERT INTO audit.pipeline_runs (run_date, status, triggered_by) VALUES (%s, 'blocked', 'me')"
        cursor.executemany(
            f"WITH run AS ({run} RETURNING run_id) INSERT INTO audit.gate_verdicts (run_date, staging_versions, passed,"
            " run_id) SELECT %s, '{1}', false, run_id FROM run",
            [(d, d) for d in blocked],
        )
    found = warehouse.rows(
        "SELECT run_date, z, low, high, value, usual FROM audit.usual_values(%s, %s, %s)", MEASURES[kind], days[13], DAY
    )
    assert {row.run_date for row in found} == {day for day in days[:14] if day in series}
    for row in found:
        z = expected_z(kind, series, blocked | expected, row.run_date, 50) if row.run_date not in expected else None
        # Without enough days there is neither a verdict nor a band.
        assert (row.z is None) == (row.low is None) == (row.high is None) == (z is None), row
        if z is not None:
            assert float(row.z) == pytest.approx(z, abs=2e-3, rel=1e-4), row
            is_far = kind == "share" or abs(row.value - row.usual) >= row.usual / 5
            inside = row.low <= row.value <= row.high
            from_border = min(abs(abs(z) - 4), abs(row.value - row.low), abs(row.value - row.high))
            assert inside == (abs(z) <= 4 or not is_far) or from_border < 0.01, row
        said = warehouse.value("SELECT audit.unusual(%s, %s)", MEASURES[kind], row.run_date)
        assert said in (row.z, 0)


@pytest.mark.parametrize(("kind", "least"), [("count", 0), ("money", 0), ("money", -50)])
def test_the_least_that_there_can_be_is_beyond_no_wide_band(warehouse: Warehouse, kind: str, least: int) -> None:
    """Its z is that of 0.5, or of a cent; a band that ends below them contains it."""
    with warehouse.connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO audit.day_profile VALUES (%s, %s, %s, %s, NULL)",
            [
                (DAY - timedelta(days=n), MEASURES[kind], kind, (300, 3_000)[n // 7 % 2] if n else least)
                for n in range(70)
            ],
        )
    [day] = warehouse.rows("SELECT * FROM audit.usual_values(%s, %s, %s)", MEASURES[kind], DAY, DAY)
    assert -4 < day.z < -1
    assert day.low == least < day.usual < day.high


def test_the_first_days_of_a_warehouse_are_not_unusual(warehouse: Warehouse) -> None:
    days = [DAY + timedelta(days=n) for n in range(3)]
    with warehouse.connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO audit.day_profile VALUES (%s, 'net_revenue', 'money', %s, NULL)", [(day, 100) for day in days]
        )
    found = warehouse.rows("SELECT * FROM audit.usual_values('net_revenue', %s, %s)", days[0], days[-1])
    assert [(row.value, row.usual, row.low, row.high, row.z) for row in found] == [(100, None, None, None, None)] * 3


def test_a_measure_that_is_none_is_refused(warehouse: Warehouse) -> None:
    for call, message in (
        ("audit.usual_value('revenue', '2025-12-19')", "there is no measure revenue"),
        ("audit.new_codes('colours', '2025-12-19')", "a rule asks for codes or fields, not colours"),
        ("audit.unusual('orders', NULL)", "a comparison needs a date, not NULL"),
    ):
        with pytest.raises(psycopg.Error, match=message) as raised:
            warehouse.execute(f"SELECT {call}")
        assert raised.value.sqlstate == "WH004"
        assert raised.value.diag.message_hint


# -- rules -------------------------------------------------------------------------------------------


def test_a_day_like_those_before_passes_every_rule(warehouse: Warehouse) -> None:
    with_history(warehouse)
    found = judged(warehouse)
    assert [found[rule].rule_name for rule in UNUSUAL if not found[rule].passed] == []
    assert {found[rule].observed for rule in UNUSUAL} == {0}
    assert warehouse.value("SELECT audit.unusual_words('orders', %s)", DAY) == "orders 100 is the usual of Fridays"


# By how much the days before are other than this one.
FAR = {"count": "value * 3 + 9", "money": "value / 0.7", "share": "CASE WHEN value > 0.5 THEN value - 0.4 ELSE 0.6 END"}


def test_every_rule_is_seen_to_fail_alone(warehouse: Warehouse) -> None:
    with_history(warehouse)
    measures = warehouse.rows("SELECT measure, kind, sum_of FROM audit.measures m")
    weeks = {row.sum_of: row.measure for row in measures if row.sum_of}
    for row in measures:
        rules = {f"{row.measure}_unusual", f"{weeks.get(row.measure)}_unusual"} & set(UNUSUAL)
        if row.sum_of or not rules:
            continue
        # Of what is rejected only more is a fault.
        far = "0" if row.measure.endswith("_rejected") else FAR[row.kind]
        statement = "UPDATE audit.day_profile SET value = {} WHERE measure = %s AND run_date {} %s"
        today = "UPDATE audit.day_profile SET value = value + 0.2 WHERE measure = %s AND run_date = %s"
        with warehouse.connection.transaction(force_rollback=True):
            warehouse.execute(statement.format(far, "<"), row.measure, DAY - timedelta(days=6))
            if row.measure.endswith("_rejected"):
                warehouse.execute(today, row.measure, DAY)
            found = warehouse.rows("SELECT * FROM audit._judge(NULL, %s)", DAY)
        failed = {verdict.rule_name: verdict.message for verdict in found if not verdict.passed}
        assert set(failed) == rules, row.measure
        label = warehouse.value("SELECT label FROM audit.measures WHERE measure = %s", row.measure)
        message = failed[f"{row.measure}_unusual"]
        assert message.startswith(label)
        assert "the usual" in message
        assert message.endswith("of Fridays")


def test_a_message_says_it_in_words(warehouse: Warehouse) -> None:
    with_history(warehouse)
    change(warehouse, "net_revenue", 135183, "< %s")
    change(warehouse, "net_revenue", 102574)
    found = judged(warehouse)["net_revenue_unusual"]
    assert (found.passed, found.severity) == (False, "warning")
    assert found.message == "net revenue 102,574 is 24 % below the usual 135,183 of Fridays"
    warehouse.execute("UPDATE audit.day_profile SET of = 1000 WHERE kind = 'share'")
    change(warehouse, "orders_rejected", Decimal("0.055"))
    found = judged(warehouse)["orders_rejected_unusual"]
    assert found.message == "share of order lines rejected 5.5 % is above the usual 0 % of Fridays"


def test_a_difference_below_a_fifth_is_nothing_to_tell(warehouse: Warehouse) -> None:
    """However quiet a shop is: z is far, the money is not."""
    with_history(warehouse)
    change(warehouse, "net_revenue", 10_000, "< %s")
    for value, passes in ((10_000, True), (11_900, True), (8_100, True), (12_600, False), (7_900, False)):
        change(warehouse, "net_revenue", value)
        assert judged(warehouse)["net_revenue_unusual"].passed == passes, value


@pytest.mark.parametrize(("days", "words"), [
    (13, "orders 100: nothing to compare with: 1 of 3 Fridays and 13 of 14 days"),
    (20, "orders 100: nothing to compare with: 2 of 3 Fridays and 20 of 14 days"),
])  # fmt: skip
def test_a_rule_is_silent_until_there_is_something_to_compare_with(warehouse: Warehouse, days: int, words: str) -> None:
    with_history(warehouse, days)
    warehouse.execute("UPDATE audit.day_profile SET value = value * 9 WHERE run_date < %s AND kind = 'count'", DAY)
    found = judged(warehouse)
    assert (found["orders_unusual"].passed, found["orders_unusual"].observed) == (True, None)
    assert found["orders_unusual"].message == words
    with_more = days + 1 + (days < 20) * 7
    warehouse.execute("DELETE FROM audit.day_profile WHERE run_date < %s", DAY)
    warehouse.execute(HISTORY, with_more, DAY)
    found = judged(warehouse)["orders_unusual"]
    assert found.observed == (0 if with_more >= 21 else None)


# -- days that are no yardstick ----------------------------------------------------------------------


def test_an_expected_day_is_neither_judged_nor_a_yardstick(warehouse: Warehouse) -> None:
    with_history(warehouse)
    warehouse.execute("UPDATE audit.day_profile SET value = value * 4 WHERE measure = 'orders' AND run_date = %s", DAY)
    assert not judged(warehouse)["orders_unusual"].passed
    assert not judged(warehouse)["orders_week_unusual"].passed
    warehouse.execute("INSERT INTO audit.expected_days VALUES (%s, %s, 'Black Friday')", DAY - timedelta(days=1), DAY)
    found = judged(warehouse)
    assert (found["orders_unusual"].passed, found["orders_unusual"].observed) == (True, None)
    assert found["orders_unusual"].message == (
        "orders 400 is not judged: the day is expected to be unusual (Black Friday)"
    )
    assert found["orders_week_unusual"].passed
    # A week later it is no yardstick: seven same weekdays are left of eight.
    row = warehouse.row("SELECT * FROM audit.usual_value('orders', %s)", DAY - timedelta(days=7))
    assert (row.weekdays, row.usual) == (7, 100)
    warehouse.execute("INSERT INTO audit.expected_days VALUES (%s, %s, 'strike')", *[DAY - timedelta(days=21)] * 2)
    row = warehouse.row("SELECT * FROM audit.usual_value('orders', %s)", DAY - timedelta(days=7))
    assert (row.weekdays, row.days, row.usual) == (6, 54, 100)


def test_a_blocked_day_has_no_echo(warehouse: Warehouse) -> None:
    """Half of Thursday's lines were refused: neither Friday nor the weeks with it are measured by that."""
    blocked = DAY - timedelta(days=1)
    with_history(warehouse)
    change(warehouse, "orders", 1, day=blocked)
    change(warehouse, "events", 1, day=blocked)
    warehouse.execute("DELETE FROM audit.day_codes WHERE run_date = %s", blocked)
    block(warehouse, blocked)
    found = judged(warehouse)
    assert [rule for rule in UNUSUAL if not found[rule].passed] == []
    assert found["orders_week_unusual"].message == "orders of seven days is not known: the day was not measured"
    assert warehouse.value("SELECT days FROM audit.usual_value('orders', %s)", DAY) == 55


def test_a_small_shop_that_loses_half_its_orders_is_seen_by_the_week(warehouse: Warehouse) -> None:
    """Of thirty orders a day fifteen may be missing by chance; not four days on."""
    warehouse.execute(
        "INSERT INTO audit.day_profile SELECT d, 'orders', 'count',"
        " CASE WHEN d > %s THEN 15 ELSE 30 + extract(day FROM d)::integer %% 7 - 3 END"
        " FROM generate_series(%s::date, %s::date, '1 day') AS d",
        DAY - timedelta(days=4), DAY - timedelta(days=70), DAY,
    )  # fmt: skip
    assert abs(warehouse.value("SELECT audit.unusual('orders', %s)", DAY - timedelta(days=3))) < 4
    assert abs(warehouse.value("SELECT audit.unusual('orders_week', %s)", DAY - timedelta(days=4))) < 4
    assert warehouse.value("SELECT audit.unusual('orders_week', %s)", DAY) < -4


# -- codes and fields --------------------------------------------------------------------------------


def drift(warehouse: Warehouse) -> dict[str, str]:
    """Return the messages of the rules about codes and fields that failed."""
    found = judged(warehouse)
    rules = ("codes_new", "codes_gone", "fields_new", "fields_gone")
    return {rule: found[rule].message for rule in rules if not found[rule].passed}


def test_new_and_vanished_codes_and_fields_are_named(warehouse: Warehouse) -> None:
    with_history(warehouse)
    assert drift(warehouse) == {}
    renamed = [record | {"town": record.pop("city")} for record in orders(100, DAY)]
    warehouse.landing.orders(DAY, renamed)
    warehouse.landing.events(DAY, typed_events(page_view="view", add_to_cart="wishlist"))
    clean(warehouse)
    assert drift(warehouse) == {
        "codes_new": "new: event_type wishlist (33 rows)",
        "codes_gone": "gone: event_type add_to_cart (usually 33 rows, on 14 of 14 days)",
        "fields_new": "new: orders field town (100 rows)",
        "fields_gone": "gone: orders field city (usually 100 rows, on 14 of 14 days)",
    }


def test_what_is_rare_is_not_missed_and_what_was_seen_is_not_new(warehouse: Warehouse) -> None:
    with_history(warehouse)
    insert = (
        "INSERT INTO audit.day_codes SELECT %s::date - n, %s, %s, %s FROM generate_series(%s::integer, %s::integer) n"
    )
    for code, rows, first, last in (
        ("returned", 9, 1, 14),  # on each day, on few lines
        ("pending", 100, 6, 20),  # on 9 of the last 14 days
        ("failed", 1, 28, 28),  # once, four weeks ago
        ("shipped", 1, 29, 29),
    ):  # fmt: skip
        warehouse.execute(insert, DAY, "order_status", code, rows, first, last)
    add = "INSERT INTO audit.day_codes VALUES (%s, 'order_status', %s, 1)"
    warehouse.execute(add, DAY, "failed")
    assert drift(warehouse) == {}
    warehouse.execute(add, DAY, "shipped")
    assert drift(warehouse) == {"codes_new": "new: order_status shipped (1 rows)"}
    warehouse.execute(insert, DAY, "order_status", "pending", 100, 5, 5)
    assert drift(warehouse)["codes_gone"] == "gone: order_status pending (usually 100 rows, on 10 of 14 days)"


def test_a_catalogue_comes_weekly_and_three_are_enough_to_know_its_fields(warehouse: Warehouse) -> None:
    deliver_good_day(warehouse)
    clean(warehouse)
    weeks = (
        "INSERT INTO audit.day_codes SELECT run_date - 7 * n, kind, code, rows"
        " FROM audit.day_codes, generate_series(%s::integer, %s::integer) n"
    )
    warehouse.execute(f"{weeks} WHERE kind = 'products field' AND run_date = %s", 1, 2, DAY)
    warehouse.landing.products(DAY, [product(f"P-{n}") | {"colour": "red"} for n in range(7)])
    clean(warehouse)
    assert drift(warehouse) == {}
    warehouse.execute(f"{weeks} WHERE kind = 'products field' AND code <> 'colour' AND run_date = %s", 3, 3, DAY)
    assert drift(warehouse) == {"fields_new": "new: products field colour (7 rows)"}


# -- judged again, or not ----------------------------------------------------------------------------


@pytest.fixture
def quiet(warehouse: Warehouse) -> Warehouse:
    """A day that ran, with history; of the rules only these are on."""
    with_history(warehouse)
    warehouse.execute("UPDATE audit.dq_rules SET enabled = rule_name = ANY (%s)", list(UNUSUAL))
    warehouse.call("warehouse.run_day", DAY)
    return warehouse


def rerun(warehouse: Warehouse) -> set[str]:
    return steps_that_work(warehouse, lambda: warehouse.call("warehouse.run_day", DAY))


def run_other(warehouse: Warehouse, day: date, count: int = 100) -> None:
    warehouse.landing.orders(day, orders(count, day))
    warehouse.landing.events(day, events(100, day))
    warehouse.execute("DELETE FROM audit.day_profile WHERE run_date = %s", day)
    warehouse.run(day)


def test_a_day_is_judged_again_when_a_day_of_its_weeks_changes_and_only_then(quiet: Warehouse) -> None:
    assert rerun(quiet) == set()
    run_other(quiet, DAY - timedelta(days=63))
    run_other(quiet, DAY + timedelta(days=1))
    assert rerun(quiet) == set()
    run_other(quiet, DAY - timedelta(days=62))
    assert rerun(quiet) == {"check_quality"}
    quiet.execute("INSERT INTO audit.expected_days VALUES ('2025-12-24', '2025-12-26', 'closed')")
    assert rerun(quiet) == set()
    quiet.execute("INSERT INTO audit.expected_days VALUES ('2025-12-01', '2025-12-01', 'sale')")
    assert rerun(quiet) == {"check_quality"}
    assert rerun(quiet) == set()


def test_a_verdict_knows_the_days_that_were_there_and_another_run_knows_those_that_came_later(
    quiet: Warehouse,
) -> None:
    """Whatever the order in which days come, each run again says the same in the end."""
    quiet.execute("DELETE FROM audit.day_profile WHERE run_date < %s", DAY - timedelta(days=20))
    rerun(quiet)
    quiet.execute("DELETE FROM audit.step_inputs WHERE step = 'check_quality'")
    rerun(quiet)
    assert results(quiet)["orders_unusual"].observed is None
    run_other(quiet, DAY - timedelta(days=21), count=400)
    assert results(quiet)["orders_unusual"].run_date == DAY - timedelta(days=21)
    assert rerun(quiet) == {"check_quality"}
    assert results(quiet)["orders_unusual"].observed == 0
    before = quiet.value("SELECT audit.unusual('orders', %s)", DAY)
    assert before == 0


def test_a_rule_stays_as_somebody_edited_it_and_may_ask_for_a_measure_of_its_own_thresholds(
    warehouse: Warehouse,
) -> None:
    with_history(warehouse)
    warehouse.execute(
        "UPDATE audit.dq_rules SET expression = 'abs(audit.unusual(''orders'', $1)) + audit.unusual(''events'', $1)',"
        " max_value = -1, words = NULL, severity = 'critical' WHERE rule_name = 'orders_unusual'"
    )
    found = judge(warehouse)["orders_unusual"]
    assert (found.passed, found.message) == (False, "observed 0, allowed at least -4 and at most -1")


def test_words_that_cannot_be_evaluated_leave_the_numbers(warehouse: Warehouse) -> None:
    with_history(warehouse)
    warehouse.execute("UPDATE audit.dq_rules SET words = '1 / 0', max_value = -1 WHERE rule_name = 'orders_unusual'")
    found = judge(warehouse)["orders_unusual"]
    assert (found.passed, found.message) == (False, "observed 0, allowed at least -4 and at most -1")


def test_words_of_an_aggregate_are_evaluated_over_its_table(warehouse: Warehouse) -> None:
    deliver_good_day(warehouse)
    warehouse.execute(
        "INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, max_value, severity, description,"
        " words) VALUES ('own', 'own', 'staging.orders_clean', 'max(quantity)', 1, 'warning', 'mine',"
        " '''at most '' || max(quantity) || '' of '' || count(*)')"
    )
    assert judge(warehouse)["own"].message == "at most 2 of 100"


def test_the_role_that_evaluates_rules_reads_no_table_of_audit(warehouse: Warehouse) -> None:
    checker = warehouse.connect("warehouse_checker")
    assert checker.execute("SELECT audit.unusual('orders', '2025-12-19')").fetchone() == (None,)
    for query in ("SELECT * FROM audit.day_profile", "SELECT audit.usual_value('orders', '2025-12-19')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            checker.execute(query)


# -- freshness ---------------------------------------------------------------------------------------


def test_a_source_is_late_by_what_is_usual_for_it(warehouse: Warehouse) -> None:
    """Orders come each day at half past two the day after, in Berlin; the catalogue each week; events never came.

    Of the orders half were a backfill, which says nothing about the hour.
    """
    warehouse.execute("UPDATE audit.settings SET value = 'Europe/Berlin' WHERE name = 'time_zone'")
    add = """
        INSERT INTO raw.file_loads (load_id, source, run_date, file_name, sha256, byte_count, row_count, rejected_count,
                                    ingested_at)
        SELECT nextval('raw.load_ids'), %s, d::date, 'a.json', repeat('0', 64), 1, 1, 0,
               coalesce(%s, ((d::date + 1)::timestamp + '02:30') AT TIME ZONE 'Europe/Berlin')
        FROM generate_series(%s::timestamp, %s::timestamp, %s::interval) AS d"""
    today = warehouse.value("SELECT (now() AT TIME ZONE 'Europe/Berlin')::date")
    now = warehouse.value("SELECT now()")
    warehouse.execute(add, "orders", now, today - timedelta(days=30), today - timedelta(days=18), "1 day")
    warehouse.execute(add, "orders", None, today - timedelta(days=17), today - timedelta(days=3), "1 day")
    warehouse.execute(add, "products", None, today - timedelta(days=29), today - timedelta(days=1), "7 days")
    found = {row.source: row for row in warehouse.rows("SELECT * FROM audit.freshness")}
    assert list(found) == ["orders", "events", "products"]
    late, never, weekly = found.values()
    assert (late.last_day, late.due_day) == (today - timedelta(days=3), today - timedelta(days=2))
    assert (late.usual_gap_days, f"{late.usual_time}", late.is_late) == (1, "02:30:00", True)
    assert (never.last_day, never.due_at, never.is_late) == (None, None, None)
    assert (weekly.usual_gap_days, weekly.due_day, weekly.is_late) == (7, today + timedelta(days=6), False)
    # What is refused does not count; what comes does.
    warehouse.execute(add, "orders", None, today - timedelta(days=2), today - timedelta(days=1), "1 day")
    warehouse.execute(
        "INSERT INTO raw.file_loads SELECT nextval('raw.load_ids'), 'events', %s, 'b', repeat('0', 64), 1, 0, 0, 'cut'",
        today,
    )
    fresh, never, _ = warehouse.connect("warehouse_analyst").execute("SELECT * FROM audit.freshness").fetchall()
    assert (fresh.due_day, f"{fresh.usual_time}", fresh.is_late) == (today, "02:30:00", False)
    assert never.last_day is None

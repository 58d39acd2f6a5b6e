"""What `run` says of a day is SQL that anybody may call."""

from datetime import UTC, date, datetime, timedelta

from tests import shop
from tests.conftest import Warehouse

DAY = date(2025, 12, 19)


def test_a_day_is_told_in_a_line_with_what_failed(warehouse: Warehouse) -> None:
    assert warehouse.value("SELECT audit.day_in_words(%s)", DAY) is None
    warehouse.landing.orders(DAY, [*shop.orders(1200, DAY, price=1), shop.order("O-bad", DAY, quantity=-1)])
    warehouse.landing.events(DAY, shop.events(5, DAY))
    warehouse.run(DAY)
    told = warehouse.value("SELECT audit.day_in_words(%s)", DAY)
    revenue = warehouse.value("SELECT net_revenue FROM warehouse.daily_metrics")
    told, _, rules = told.partition("; rules that failed: ")
    assert told == f"1,200 order lines and 5 events in the facts, 1 rejected, net revenue {revenue:,.2f}"
    assert rules == "events_volume_low, products_coverage"


def test_the_api_is_asked_for_today_and_yesterday_while_raw_has_no_catalogue(warehouse: Warehouse) -> None:
    # In one statement, in which the database's day cannot end.
    query = """
        SELECT array_agg(raw.reason_not_to_ask(d.today - n.days) ORDER BY n.days)
        FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS d, generate_series(-1, 2) AS n (days)
    """
    tomorrow, *recent, before = warehouse.value(query)
    assert recent == [None, None]
    assert tomorrow == before == "no file, and the API is not asked: it knows only today's prices (--refresh asks it)"
    today = datetime.now(UTC).date()
    for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
        warehouse.landing.products(day, [shop.product("P-1")])
        warehouse.deliver(day)
    assert warehouse.value(query)[1] == "raw has a catalogue already (--refresh asks for another)"

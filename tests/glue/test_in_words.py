"""What `run` says of a day is SQL that anybody may call."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

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
    assert told.startswith(
        f"1,200 order lines and 5 events in the facts, 1 rejected, net revenue {revenue:,.2f}; rules"
    )
    assert told.partition("; rules that failed: ")[2] == "events_volume_low"


def test_the_api_is_asked_for_today_and_yesterday_while_raw_has_no_catalogue(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    def reason(day: date) -> str | None:
        return warehouse.value("SELECT raw.reason_not_to_ask(%s)", day)

    today = datetime.now(UTC).date()
    assert [reason(today - timedelta(days=days)) for days in (0, 1)] == [None, None]
    for other in (today - timedelta(days=2), today + timedelta(days=1)):
        assert "it knows only today's prices" in str(reason(other))
    warehouse.landing.products(today, [shop.product("P-1")])
    warehouse.deliver(today)
    assert reason(today) == "raw has a catalogue already (--refresh asks for another)"

"""The shop's day begins and ends where the setting time_zone says, also when clocks change; and how it is changed."""

import contextlib
import os
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from pytest_postgresql.executors.noop import NoopExecutor

from glue.extract import extract
from tests.conftest import Warehouse, copy_of, new_warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.real_world import needs_real_world, put_case
from tests.shop import checksums, event, order

SEED = int(os.environ.get("ZONES_SEED") or random.randrange(2**32))

ZONES = ("UTC", "America/Los_Angeles", "America/New_York", "Europe/Berlin", "Australia/Sydney", "Asia/Kathmandu")
DAYS = [date(2025, 11, 28), date(2025, 11, 29), date(2025, 11, 30), date(2025, 12, 1), date(2025, 12, 2)]
SPRING, AUTUMN = timedelta(hours=23), timedelta(hours=25)
# Days on which clocks change, and how long they are.
CHANGES = [
    ("America/Los_Angeles", date(2025, 3, 9), SPRING), ("America/Los_Angeles", date(2025, 11, 2), AUTUMN),
    ("America/New_York", date(2025, 3, 9), SPRING), ("America/New_York", date(2025, 11, 2), AUTUMN),
    ("Europe/Berlin", date(2025, 3, 30), SPRING), ("Europe/Berlin", date(2025, 10, 26), AUTUMN),
    ("Australia/Sydney", date(2025, 10, 5), SPRING), ("Australia/Sydney", date(2025, 4, 6), AUTUMN),
    ("Australia/Lord_Howe", date(2025, 4, 6), timedelta(hours=24, minutes=30)),
    # At midnight: a day that has no 00:00, and one that has it twice.
    ("America/Havana", date(2025, 3, 9), SPRING), ("America/Havana", date(2025, 11, 2), AUTUMN),
    ("Asia/Kathmandu", date(2025, 3, 30), timedelta(hours=24)), ("UTC", date(2025, 3, 30), timedelta(hours=24)),
]  # fmt: skip


@pytest.fixture
def shop(warehouse: Warehouse) -> Warehouse:
    """A warehouse whose gate lets days of a handful of rows through."""
    warehouse.execute(RULES_OFF)
    return warehouse


def set_zone(shop: Warehouse, zone: str) -> None:
    """Set the time zone of a shop that has loaded nothing."""
    shop.execute("UPDATE audit.settings SET value = %s WHERE name = 'time_zone'", zone)


def begin(zone: str, day: date) -> datetime:
    """Return the first moment of a day, found in the slow, obvious way: by looking at each minute."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    while moment.astimezone(ZoneInfo(zone)).date() < day:
        moment += timedelta(minutes=1)
    return moment


def utc(moment: datetime) -> str:
    """Return a moment as most sources write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(day: date) -> int:
    """Return a day as dim_date counts it."""
    return int(day.strftime("%Y%m%d"))


def refusal(shop: Warehouse, statement: str, *parameters: Any) -> psycopg.errors.Diagnostic:
    """Return what a statement is refused with."""
    with pytest.raises(psycopg.Error) as caught:
        shop.execute(statement, *parameters)
    return caught.value.diag


# -- what belongs to a load --------------------------------------------------------------------------


@pytest.mark.once  # of time zones, not of PostgreSQL's version
def test_the_shops_days_begin_when_its_clocks_say_so(shop: Warehouse) -> None:
    """In every zone, on a day like others, and where clocks change: by what Python knows of time zones."""
    for zone, day, length in [*CHANGES, *((zone, date(2025, 12, 19), timedelta(hours=24)) for zone in ZONES)]:
        set_zone(shop, zone)
        start, end = begin(zone, day), begin(zone, day + timedelta(1))
        assert end - start == length
        days = [shop.value("SELECT staging.start_of_day(%s)", day + timedelta(more)) for more in (-400, 0, 1)]
        assert days == [begin(zone, day - timedelta(400)), start, end], (zone, day)


# A day like others; and of 23 hours, of 25, without a midnight, with two, of half an hour more.
LOADED_CHANGES = [
    ("Asia/Kathmandu", date(2025, 12, 19)), ("Europe/Berlin", date(2025, 3, 30)),
    ("America/Los_Angeles", date(2025, 11, 2)), ("America/Havana", date(2025, 3, 9)),
    ("America/Havana", date(2025, 11, 2)), ("Australia/Lord_Howe", date(2025, 4, 6)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        pytest.param(zone, day, marks=[] if zone == "Asia/Kathmandu" else [pytest.mark.once])
        for zone, day in LOADED_CHANGES
    ],
)
def test_a_load_has_all_hours_of_the_shops_day_and_ends_with_it(shop: Warehouse, zone: str, day: date) -> None:
    set_zone(shop, zone)
    start, end, second = begin(zone, day), begin(zone, day + timedelta(1)), timedelta(seconds=1)
    oldest = begin(zone, day - timedelta(400))
    moments = {
        "the day before": (start - second, number(day - timedelta(1))), "first": (start, number(day)),
        "last": (end - second, number(day)), "oldest": (oldest, number(day - timedelta(400))),
    }  # fmt: skip
    halves = (end - start) // timedelta(minutes=30)
    moments |= {f"half hour {n}": (start + n * timedelta(minutes=30), number(day)) for n in range(halves)}
    wrong = {"tomorrow": end, "too old": oldest - second}
    asked = {name: moment for name, (moment, _) in moments.items()} | wrong
    shop.landing.orders(day, [order(name, timestamp=utc(moment)) for name, moment in asked.items()])
    local = {name: moment.astimezone(ZoneInfo(zone)).isoformat() for name, moment in asked.items()}
    shop.landing.events(day, [event(name, event_ts=moment) for name, moment in local.items()])
    shop.run(day)

    expected = {name: day_id for name, (_, day_id) in moments.items()}
    assert dict(shop.rows("SELECT order_id, date_id FROM warehouse.fact_orders")) == expected
    assert dict(shop.rows("SELECT event_id, date_id FROM warehouse.fact_events")) == expected
    assert {row.order_id: number(row.order_date) for row in shop.rows("TABLE warehouse.orders")} == expected
    assert set(shop.rows("SELECT record_id, failure_reason FROM audit.bad_records")) == {
        ("tomorrow", "timestamp is after the day of the delivery"),
        ("too old", "timestamp is older than oldest_order_days"),
        ("tomorrow", "event_ts is after the day of the delivery"),
        ("too old", "event_ts is older than oldest_order_days"),
    }
    assert {row[0] for row in shop.rows("SELECT event_id FROM warehouse.late_events")} == {"the day before", "oldest"}
    assert not broken_promises(shop.connection)


@pytest.mark.once  # of time zones, not of PostgreSQL's version
def test_a_day_is_the_moments_of_its_date_wherever_clocks_change(shop: Warehouse) -> None:
    """Also where they change at midnight, and where a day was left out."""
    for zone in (*ZONES, "America/Havana", "America/Santiago", "America/Sao_Paulo", "America/Asuncion", "Asia/Beirut",
                 "Asia/Gaza", "Atlantic/Azores", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"):  # fmt: skip
        set_zone(shop, zone)
        wrong = shop.rows("""
            WITH zone AS MATERIALIZED (SELECT staging.time_zone() AS name),
            days AS MATERIALIZED (  -- of each month the first, and those about a change
                SELECT day FROM generate_series(timestamp '2009-01-01', '2026-12-31', '1 day') AS d (day), zone
                WHERE extract(day FROM day) = 1
                   OR (day + interval '2 days') AT TIME ZONE name - (day - interval '2 days') AT TIME ZONE name
                      <> interval '4 days'
            )
            SELECT day, start FROM zone, days CROSS JOIN LATERAL staging.start_of_day(day::date) AS start
            WHERE (start AT TIME ZONE name)::date < day::date
               OR ((start - interval '1 microsecond') AT TIME ZONE name)::date >= day::date""")
        assert wrong == [], zone


@pytest.mark.once
def test_a_time_without_an_offset_is_utc_in_any_zone(shop: Warehouse) -> None:
    set_zone(shop, "America/New_York")
    day = date(2025, 12, 19)
    shop.landing.orders(
        day, [order("O-1", timestamp="2025-12-20T04:59:59"), order("O-2", timestamp="2025-12-20T05:00:00")]
    )
    shop.landing.events(day, [event("E-1", event_ts="2025-12-19")])
    shop.run(day)
    found = shop.rows("SELECT order_id, date_id, order_ts FROM warehouse.fact_orders")
    assert found == [("O-1", 20251219, datetime(2025, 12, 20, 4, 59, 59, tzinfo=UTC))]
    assert shop.rows("SELECT date_id, event_ts FROM warehouse.fact_events") == [
        (20251218, datetime(2025, 12, 19, tzinfo=UTC))
    ]


@pytest.mark.once
@needs_real_world
@pytest.mark.parametrize(("zone", "count"), [("America/New_York", 24), ("UTC", 20)])
def test_each_hour_of_a_shop_in_america_is_of_its_day(shop: Warehouse, zone: str, count: int) -> None:
    """Case 42. In UTC the day's evening is of the next day, and rejected."""
    set_zone(shop, zone)
    shop.run(put_case(shop.landing, "42_local_day"))
    for table in ("warehouse.fact_orders", "warehouse.fact_events"):
        assert shop.rows(f"SELECT date_id, count(*) FROM {table} GROUP BY 1") == [(20250412, count)]
    assert shop.value("SELECT count(*) FROM audit.bad_records") == 2 * (24 - count)


@pytest.mark.once
def test_a_late_event_meets_its_own_day_of_the_shop(shop: Warehouse) -> None:
    """At 20:00 in Los Angeles it is the next day in UTC. The event comes again on the day after."""
    set_zone(shop, "America/Los_Angeles")
    evening = event("E-1", event_ts="2025-11-30T04:00:00Z")
    for day in (date(2025, 11, 30), date(2025, 11, 29)):
        shop.landing.orders(day, [])
        shop.landing.events(day, [evening])
        shop.run(day)
        assert not broken_promises(shop.connection)
    assert shop.rows("SELECT date_id, load_date FROM warehouse.fact_events") == [(20251129, date(2025, 11, 30))]
    assert shop.rows("SELECT load_date FROM warehouse.late_events") == [(date(2025, 11, 30),)]
    assert shop.rows("SELECT load_date FROM warehouse.events_superseded") == [(date(2025, 11, 29),)]
    shop.landing.events(date(2025, 11, 30), [])
    shop.run(date(2025, 11, 30))
    assert shop.rows("SELECT date_id, load_date FROM warehouse.fact_events") == [(20251129, date(2025, 11, 29))]


def test_no_sessions_time_zone_matters(shop: Warehouse) -> None:
    set_zone(shop, "Australia/Sydney")
    shop.landing.orders(
        DAYS[0], [order(timestamp="2025-11-27T13:30:00Z"), order("O-2", timestamp="2025-11-28T13:30:00Z")]
    )
    shop.landing.events(DAYS[0], [event(event_ts="2025-11-27T12:30:00Z")])
    shop.run(DAYS[0])
    before = checksums(shop.connection)
    with contextlib.closing(
        psycopg.connect(shop.dsn, autocommit=True, options="-c timezone=America/Los_Angeles")
    ) as other:
        other.execute("DELETE FROM audit.step_inputs")
        other.execute("CALL warehouse.run_day(%s)", [DAYS[0]])
    assert checksums(shop.connection) == before
    assert shop.rows("SELECT order_id, date_id FROM warehouse.fact_orders") == [("O-1", 20251128)]


@pytest.mark.once
@pytest.mark.parametrize("zone", ["Pacific/Pago_Pago", "Pacific/Kiritimati"])
def test_the_products_api_is_asked_for_the_shops_today_and_yesterday(shop: Warehouse, zone: str) -> None:
    """One of the two has another date than UTC, at any hour."""
    set_zone(shop, zone)
    today = shop.value("SELECT (now() AT TIME ZONE %s)::date", zone)
    asked = {
        days: shop.value("SELECT raw.reason_not_to_ask(%s)", today + timedelta(days)) is None for days in range(-2, 2)
    }
    assert asked == {-2: False, -1: True, 0: True, 1: False}
    shop.call("warehouse.compact_partitions", today)
    assert refusal(shop, "CALL warehouse.compact_partitions(%s)", today + timedelta(2)).sqlstate == "WH004"


# -- what it may be set to ---------------------------------------------------------------------------


def test_only_a_name_of_a_time_zone_is_one(shop: Warehouse) -> None:
    for zone in ("", "-04:00", "UTC-4", "<-04>4", "EST5EDT4,M3.2.0,M11.1.0", "america/new_york", "New York",
                 "localtime", "posix/Europe/Berlin", "-4", "4", None):  # fmt: skip
        by_hand = refusal(shop, "UPDATE audit.settings SET value = %s WHERE name = 'time_zone'", zone)
        called = refusal(shop, "CALL warehouse.change_time_zone(%s)", zone)
        assert called.sqlstate == "WH004", zone
        assert (by_hand.sqlstate, by_hand.message_primary) in (
            ("WH004", called.message_primary), ("WH017", "the setting time_zone cannot be taken away"),
        )  # fmt: skip
        assert shop.value("SELECT staging.time_zone()") == "UTC"


def test_the_setting_cannot_be_taken_away(shop: Warehouse) -> None:
    for statement in ("DELETE FROM audit.settings WHERE name = 'time_zone'",
                      "UPDATE audit.settings SET name = 'zone' WHERE name = 'time_zone'"):  # fmt: skip
        assert refusal(shop, statement).sqlstate == "WH017"
    shop.execute("INSERT INTO audit.settings VALUES ('of my own', '1', 'a number')")
    shop.execute("DELETE FROM audit.settings WHERE name = 'of my own'")
    assert shop.value("SELECT staging.time_zone()") == "UTC"


def test_a_warehouse_without_its_time_zone_says_so(shop: Warehouse) -> None:
    shop.execute("ALTER TABLE audit.settings DISABLE TRIGGER check_setting")
    shop.execute("DELETE FROM audit.settings WHERE name = 'time_zone'")
    found = refusal(shop, "SELECT staging.start_of_day('2025-12-19')")
    assert (found.sqlstate, found.message_primary) == ("WH004", "there is no setting time_zone")


# -- changing it -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_days(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Two days with an event that came late, and an order that came again."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("two-days")) as made:
        made.execute(RULES_OFF)
        for day in DAYS[:2]:
            made.landing.orders(day, [order(timestamp=f"{DAYS[0]}T02:00:00Z")])
            made.landing.events(day, [event(event_ts=f"{DAYS[0]}T02:00:00Z"), event(f"E-{day}", day)])
            made.run(day)
        yield made


@pytest.fixture
def loaded(two_days: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of them."""
    with copy_of(two_days, tmp_path) as copy:
        yield copy


@pytest.mark.once
def test_the_setting_is_not_changed_by_hand_once_a_day_is_loaded(loaded: Warehouse) -> None:
    before = checksums(loaded.connection)
    found = refusal(loaded, "UPDATE audit.settings SET value = 'Europe/Berlin' WHERE name = 'time_zone'")
    assert (found.sqlstate, found.message_primary) == ("WH017", "days were loaded in the time zone UTC")
    assert "CALL warehouse.change_time_zone('Europe/Berlin')" in (found.message_hint or "")
    loaded.execute("UPDATE audit.settings SET value = 'UTC' WHERE name = 'time_zone'")
    assert checksums(loaded.connection) == before


def test_after_a_change_no_figure_of_the_old_zone_is_left_and_all_days_load_again(loaded: Warehouse) -> None:
    loaded.call("warehouse.change_time_zone", "America/New_York")
    for table in ("staging.orders_clean", "staging.events_clean", "staging.loads", "warehouse.fact_orders",
                  "warehouse.fact_events", "warehouse.events_superseded", "warehouse.late_events",
                  "warehouse.order_owners", "warehouse.daily_metrics", "audit.bad_records"):  # fmt: skip
        assert loaded.value(f"SELECT count(*) FROM {table}") == 0, table
    assert [row.state for row in loaded.rows("SELECT state FROM audit.day_health")] == ["not run yet"] * 2
    assert refusal(loaded, "CALL warehouse.reload_fact_events(%s)", DAYS[0]).sqlstate == "WH002"
    loaded.call("warehouse.run_range", DAYS[0], DAYS[-1])
    assert loaded.rows("SELECT date_id, load_date FROM warehouse.fact_orders") == [(20251127, DAYS[1])]
    change = loaded.row("SELECT from_zone, to_zone, ended_at IS NOT NULL AS is_complete FROM audit.time_zone_changes")
    assert change == ("UTC", "America/New_York", True)


@pytest.mark.once
def test_a_change_to_the_same_zone_changes_nothing(loaded: Warehouse) -> None:
    before = checksums(loaded.connection)
    loaded.call("warehouse.change_time_zone", "UTC")
    assert checksums(loaded.connection) == before
    assert loaded.rows("TABLE audit.time_zone_changes") == []


def test_a_change_that_was_interrupted_keeps_all_days_from_loading_until_it_is_complete(loaded: Warehouse) -> None:
    assert loaded.value("SELECT warehouse._change_zone_next('Europe/Berlin', 'begin')") == "drop"
    assert loaded.value("SELECT warehouse._change_zone_next('Europe/Berlin', 'drop')") == "drop"
    found = refusal(loaded, "CALL warehouse.run_day(%s)", DAYS[0])
    assert (found.sqlstate, found.message_primary) == (
        "WH017",
        "the time zone is being changed from UTC to Europe/Berlin",
    )
    assert found.message_hint
    assert "CALL warehouse.change_time_zone('Europe/Berlin');" in found.message_hint
    # Somebody thinks again: what goes on as before is told so.
    loaded.call("warehouse.change_time_zone", "Asia/Kathmandu")
    loaded.call("warehouse.run_range", DAYS[0], DAYS[-1])
    before = checksums(loaded.connection)
    for stage in ("drop", "end"):
        assert loaded.value("SELECT warehouse._change_zone_next('Europe/Berlin', %s)", stage) is None
    assert checksums(loaded.connection) == before
    assert loaded.value("SELECT staging.time_zone()") == "Asia/Kathmandu"


@pytest.mark.once
def test_of_two_changes_at_once_the_later_one_counts(loaded: Warehouse) -> None:
    for zone in ("Europe/Berlin", "Asia/Kathmandu"):
        assert loaded.value("SELECT warehouse._change_zone_next(%s, 'begin')", zone) == "drop"
    assert refusal(loaded, "SELECT warehouse._change_zone_next('Europe/Berlin', 'drop')").sqlstate == "WH017"


@pytest.mark.once
def test_a_change_is_refused_where_the_raw_of_a_loaded_day_is_gone(loaded: Warehouse) -> None:
    loaded.execute("UPDATE audit.settings SET value = '0' WHERE name = 'raw_keep_days'")
    loaded.call("warehouse.compact_partitions", date(2025, 12, 1))
    before = checksums(loaded.connection)
    found = refusal(loaded, "CALL warehouse.change_time_zone('Europe/Berlin')")
    assert (found.sqlstate, found.message_primary) == ("WH007", "the raw of loaded days is gone")
    assert "of 2 days, the first is 2025-11-28" in (found.message_detail or "")
    assert checksums(loaded.connection) == before
    loaded.deliver(DAYS[0])
    loaded.deliver(DAYS[1])
    loaded.call("warehouse.change_time_zone", "Europe/Berlin")


def test_a_change_is_not_made_inside_a_transaction(loaded: Warehouse) -> None:
    with pytest.raises(psycopg.Error, match="change_time_zone was called inside a transaction") as caught, \
            loaded.connection.transaction():  # fmt: skip
        loaded.call("warehouse.change_time_zone", "Europe/Berlin")
    assert caught.value.sqlstate == "WH003"


def test_only_the_owner_changes_the_time_zone(shop: Warehouse) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shop.connect("warehouse_runner").execute("CALL warehouse.change_time_zone('Europe/Berlin')")
    shop.connect("warehouse_owner").execute("CALL warehouse.change_time_zone('Europe/Berlin')")
    assert shop.value("SELECT staging.time_zone()") == "Europe/Berlin"


# -- whatever the order ------------------------------------------------------------------------------


def random_files(chosen: random.Random) -> Iterator[tuple[str, date, list[dict[str, Any]]]]:
    """Yield deliveries of a few days, around their borders in all zones, with orders and events that come again."""
    for day in DAYS:
        for source, make, name, time in (("orders", order, "O", "timestamp"), ("events", event, "E", "event_ts")):
            records = []
            for _ in range(chosen.randint(0, 8)):
                moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(
                    days=chosen.choice((-2, -1, 0, 0, 0, 1)), minutes=15 * chosen.choice((0, 7, 20, 32, 43, 73, 95))
                )
                records.append(make(f"{name}-{chosen.randint(1, 4)}", user_id=f"U-{chosen.randint(1, 3)}",
                                    city=chosen.choice(("Rome", "Oslo")) if source == "orders" else None,
                                    **{time: utc(moment)}))  # fmt: skip
            yield source, day, records


def deliver(shop: Warehouse, files: list[tuple[str, date, list[dict[str, Any]]]]) -> None:
    """Bring files into raw."""
    for source, day, records in files:
        if source == "orders":
            shop.landing.orders(day, records)
        else:
            shop.landing.events(day, records)
        extract(source, day, dsn=shop.dsn, landing=str(shop.landing.folder), say=lambda line: None)


def crash(shop: Warehouse, zone: str, steps: int) -> None:
    """Begin a change, which ends after some of its transactions."""
    stage: str | None = "begin"
    for _ in range(steps):
        if stage is not None:
            stage = shop.value("SELECT warehouse._change_zone_next(%s, %s)", zone, stage)


@pytest.mark.long
@pytest.mark.parametrize("number_of_shop", [0, *(pytest.param(number, marks=pytest.mark.once) for number in (1, 2))])
def test_after_any_change_the_warehouse_is_one_that_was_built_with_that_zone(
    warehouse_template: NoopExecutor, tmp_path: Path, number_of_shop: int
) -> None:
    """Zones change, interrupted or not, with some days run in between; then all days are run, in any order."""
    print(f"ZONES_SEED={SEED}")
    chosen = random.Random(f"{SEED} {number_of_shop}")
    files = list(random_files(chosen))
    zones = chosen.sample(ZONES, 3)
    with (
        new_warehouse(warehouse_template, tmp_path / "a") as shop,
        new_warehouse(warehouse_template, tmp_path / "b") as fresh,
    ):
        for each in (shop, fresh):
            each.execute(RULES_OFF)
            deliver(each, files)
        set_zone(shop, zones[0])
        for zone in zones[1:]:
            for day in chosen.sample(DAYS, chosen.randint(1, 3)):
                shop.call("warehouse.run_day", day)
            if chosen.random() < 0.3:
                shop.call("warehouse.compact_partitions", date(2025, 12, 1))
            if chosen.random() < 0.6:
                crash(shop, chosen.choice((zone, zones[0])), chosen.randint(1, 12))
            shop.call("warehouse.change_time_zone", zone)
        for day in chosen.sample(DAYS, len(DAYS)):
            shop.call("warehouse.run_day", day)
        set_zone(fresh, zones[-1])
        for day in DAYS:
            fresh.call("warehouse.run_day", day)
        assert not broken_promises(shop.connection)
        assert checksums(shop.connection) == checksums(fresh.connection)


def test_no_day_of_a_warehouse_begins_in_a_year_that_cannot_be(shop: Warehouse) -> None:
    """An order may be a century older than the first day there can be, so the years are more than a day's."""
    for day in ("NULL", "'infinity'", "'-infinity'", "'1799-12-31'", "'3001-01-01'"):
        with pytest.raises(psycopg.Error) as refused:
            shop.execute(f"SELECT staging.start_of_day({day}::date)")
        assert refused.value.sqlstate == "WH004", day
    assert shop.value("SELECT staging.start_of_day('1800-01-01')").year == 1800

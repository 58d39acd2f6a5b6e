"""Columns go by their names: partitions whose columns stand in different orders hold the same rows as any others."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ops import backup
from tests.conftest import Warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.shop import event, events, order, orders, product

DAYS = [date(2025, 11, day) for day in (3, 4, 5)]
TABLES = [
    "staging.orders_clean", "staging.events_clean", "staging.products_clean",
    "warehouse.fact_orders", "warehouse.fact_events",
]  # fmt: skip
EVERYTHING = [*TABLES, "warehouse.orders_superseded", "warehouse.events_superseded", "warehouse.daily_metrics"]


@pytest.fixture
def shop(warehouse: Warehouse) -> Iterator[Warehouse]:
    """Three days, each with something of the day before; every promise is asked of it at the end."""
    warehouse.execute(RULES_OFF)
    for day in DAYS:
        put(warehouse, day)
        warehouse.run(day)
    yield warehouse
    assert not broken_promises(warehouse.connection)


def put(shop: Warehouse, day: date, **fields: Any) -> None:
    """Put a day into the landing zone; no two columns of an order have the same value."""
    before = day - timedelta(days=1)
    made = [order(f"O-{before}-1", before, status="shipped", **fields), *orders(20, day, **fields)]
    shop.landing.orders(day, made)
    shop.landing.events(day, [event(f"E-{before}-1", before), *events(20, day)])
    shop.landing.products(day, [product(f"P-{n}", current_price=day.day) for n in range(7)])


def exchange_columns(shop: Warehouse, table: str, day: date, only: str = ".*") -> None:
    """Make a day's partition anew with the columns of each type in the reverse order, or `only` those of a pattern."""
    partition = f"{table}_p_{day:%Y_%m_%d}"
    columns = shop.rows(
        "SELECT attname, atttypid FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
        partition,
    )
    moved = [column for column in columns if re.fullmatch(only, column.attname)]
    reverse = {kind: [column.attname for column in moved if column.atttypid == kind] for _, kind in moved}
    exchanged = ", ".join(reverse[c.atttypid].pop() if c in moved else c.attname for c in columns)
    following = day + timedelta(days=1)
    shop.execute(
        f"""
        SET ROLE warehouse_owner;
        ALTER TABLE {table} DETACH PARTITION {partition};
        CREATE TABLE {partition}_exchanged AS SELECT {exchanged} FROM {partition};
        DROP TABLE {partition};
        SELECT warehouse._constrain_partition('{table}', '{partition}_exchanged', '{day}', '{following}');
        ALTER TABLE {partition}_exchanged RENAME TO {partition.split(".")[1]};
        ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ('{day}') TO ('{following}');
        RESET ROLE;
        """
    )


def contents(shop: Warehouse, *, with_ids: bool = False) -> dict[str, list[str]]:
    """Return the rows of every table; without run times and, unless asked, without what a new delivery numbers anew."""
    left_out = "updated_at|runtime_seconds|rows_per_second" + (
        "" if with_ids else "|created_at|.*_(orders|events|products)_id"
    )
    return {
        table: sorted(
            str({name: value for name, value in row._asdict().items() if not re.fullmatch(left_out, name)})
            for row in shop.rows(f"SELECT * FROM {table}")
        )
        for table in EVERYTHING
    }  # fmt: skip


def test_a_month_of_days_with_columns_in_different_orders_is_merged_by_name(shop: Warehouse) -> None:
    before = contents(shop, with_ids=True)
    for table in TABLES:
        exchange_columns(shop, table, DAYS[1])
    assert contents(shop, with_ids=True) == before
    shop.call("warehouse.compact_partitions", date(2025, 12, 1))
    assert contents(shop, with_ids=True) == before


@pytest.mark.once
def test_values_of_columns_of_one_type_are_not_exchanged_in_silence(shop: Warehouse) -> None:
    exchange_columns(shop, "staging.orders_clean", DAYS[1], "city|marketing_source")
    exchange_columns(shop, "warehouse.fact_orders", DAYS[1], "unit_price|revenue")
    shop.call("warehouse.compact_partitions", date(2025, 12, 1))
    assert shop.rows("SELECT DISTINCT city, marketing_source FROM staging.orders_clean") == [("Berlin", "ads")]
    assert shop.rows("SELECT DISTINCT unit_price, revenue FROM warehouse.fact_orders") == [
        (Decimal("9.99"), Decimal("19.98"))
    ]


@pytest.mark.once
def test_a_column_that_came_later_is_merged_with_days_that_had_it_from_the_start(shop: Warehouse) -> None:
    # To days that are there a column is added at the end, whatever its place is in those that come.
    shop.execute(
        "ALTER TABLE staging.orders_clean ADD COLUMN came_later text;"
        "UPDATE staging.orders_clean SET came_later = 'of ' || order_id || line_number"
    )
    exchange_columns(shop, "staging.orders_clean", DAYS[2])
    before = contents(shop, with_ids=True)
    shop.call("warehouse.compact_partitions", date(2025, 12, 1))
    assert contents(shop, with_ids=True) == before


@pytest.mark.parametrize("in_place_percent", [100, 0], ids=["in place", "swap"])
def test_a_reload_of_a_day_with_exchanged_columns_changes_what_was_delivered_otherwise(
    shop: Warehouse, in_place_percent: int
) -> None:
    shop.execute("UPDATE audit.settings SET value = %s WHERE name = 'in_place_percent'", in_place_percent)
    put(shop, DAYS[1], city="Paris")
    shop.run(DAYS[1])
    paris = contents(shop)
    put(shop, DAYS[1])
    shop.run(DAYS[1])
    before = contents(shop)
    for table in TABLES:
        exchange_columns(shop, table, DAYS[1])
    # Without a change nothing is written; with one only that, and back.
    shop.run(DAYS[1])
    assert contents(shop) == before
    put(shop, DAYS[1], city="Paris")
    shop.run(DAYS[1])
    assert contents(shop) == paris
    put(shop, DAYS[1])
    shop.run(DAYS[1])
    assert contents(shop) == before


@pytest.mark.once
def test_rows_that_a_later_day_takes_over_and_gives_back_keep_every_column(shop: Warehouse) -> None:
    before = contents(shop)
    for table in TABLES:
        for day in DAYS:
            exchange_columns(shop, table, day)
    # The last day takes the whole day before over, and gives it back.
    shop.landing.orders(DAYS[2], [*orders(20, DAYS[1]), order(f"O-{DAYS[1]}-1", DAYS[1], status="shipped")])
    shop.landing.events(DAYS[2], events(20, DAYS[1]))
    shop.run(DAYS[2])
    assert shop.value("SELECT count(*) FROM warehouse.orders_superseded WHERE load_date = %s", DAYS[1]) == 20
    put(shop, DAYS[2])
    shop.run(DAYS[2])
    assert contents(shop) == before


def test_a_dump_of_days_with_columns_in_different_orders_is_restored_as_it_was(shop: Warehouse, tmp_path: Path) -> None:
    for table in TABLES:
        exchange_columns(shop, table, DAYS[1])
    backup.dump(shop.dsn, tmp_path, keep=1)
    assert backup.check(shop.dsn, tmp_path).rows > 0

"""The work of a load depends on what was loaded, not on how long the history is: rows and blocks read, counted.

Two warehouses end on the same day; one has a short history, the other a long one. Each operation runs in a session of
its own, and what that session read of each table is what the server counted. (Catalog reads are not counted: the
server itself looks at all partitions of a table when it attaches one; compaction keeps these few.)

    FLATNESS_DAYS=30,300 pytest tests/pipeline/test_flatness.py      longer histories than CI has time for
"""

import contextlib
import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from pytest_postgresql.executors.noop import NoopExecutor

from glue.connection import connect
from glue.extract import extract
from tests.conftest import Warehouse, new_warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.shop import event, order, product
from tests.steps import keep_autovacuum_away

# Together: they share two warehouses with a history. Once: to make these takes long (`pytest --pg=15` runs them, too).
pytestmark = [pytest.mark.once, pytest.mark.xdist_group("flatness")]
SHORT, LONG = (int(days) for days in os.environ.get("FLATNESS_DAYS", "14,42").split(","))
# Both histories begin in a year whose calendar the other needs too.
LAST = date(2025, 12, 14)
NEXT = LAST + timedelta(days=1)
DAILY_ORDERS = 60
FEW_BLOCKS = 8
BLOCKS_OF_A_ROW = 3
LAST_OLD_DAY = LAST - timedelta(days=10)

# A day is compared with the 62 before it: both shops have these and many more, so that both look them up by an index.
PROFILES = {SHORT: 420, LONG: 1260}
PROFILED = {
    "audit.day_profile": "measure, kind, value, of", "audit.day_codes": "kind, code, rows",
    "audit.profile_digests": "source, digest",
}  # fmt: skip

COUNTERS = """
    SELECT s.relid::regclass::text AS relation, coalesce(s.seq_tup_read, 0) + coalesce(s.idx_tup_fetch, 0) AS rows,
           coalesce(i.heap_blks_read + i.heap_blks_hit, 0) + coalesce(i.idx_blks_read + i.idx_blks_hit, 0) AS blocks
    FROM pg_stat_user_tables AS s JOIN pg_statio_user_tables AS i USING (relid)"""


def orders_of(day: date) -> list[dict[str, Any]]:
    """Return the orders of a day: always the same users and products, guests among them, and one order again."""
    made = [
        order(f"O-{day}-{n}", day, user_id=f"U-{n % 20}" if n else None, product_id=f"P-{n % 5}", price=day.day + n)
        for n in range(DAILY_ORDERS)
    ]
    return [*made, order(f"O-{day - timedelta(days=2)}-1", day - timedelta(days=2), status="shipped")]


def events_of(day: date) -> list[dict[str, Any]]:
    """Return the events of a day, one of the day before among them."""
    made = [
        event(f"E-{day}-{n}", day, user_id=f"U-{n % 20}" if n else None, product_id=f"P-{n % 5}") for n in range(60)
    ]
    return [*made, event(f"E-{day - timedelta(days=1)}-1", day - timedelta(days=1), event_type="click")]


def catalogue_of(day: date) -> list[dict[str, Any]]:
    """Return the catalogue of a day."""
    return [product(f"P-{n}", current_price=day.toordinal() % 97 + n) for n in range(5)]


def put(shop: Warehouse, day: date) -> None:
    """Put what a day delivers into the landing zone; a catalogue on Mondays."""
    shop.landing.orders(day, orders_of(day))
    shop.landing.events(day, events_of(day))
    if day.isoweekday() == 1:
        shop.landing.products(day, catalogue_of(day))


def extract_all(shop: Warehouse, glue: Any, day: date) -> None:
    for source in ("orders", "events", "products"):
        if shop.landing.has(source, day):
            extract(source, day, connection=glue, landing=str(shop.landing.folder), say=lambda line: None)


@pytest.fixture(scope="module")
def shops(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Warehouse]]:
    """Two warehouses, with a short and a long history, that end on the same day."""
    folder = tmp_path_factory.mktemp("flatness")
    with contextlib.ExitStack() as stack:
        made = {}
        for length in (SHORT, LONG):
            shop = made[length] = stack.enter_context(new_warehouse(warehouse_template, folder))
            shop.execute(RULES_OFF)
            shop.execute("UPDATE audit.dq_rules SET enabled = true WHERE check_type IN ('unusual', 'drift')")
            with contextlib.closing(connect(shop.dsn)) as glue:
                pid = glue.info.backend_pid
                for back in range(length - 1, -1, -1):
                    day = LAST - timedelta(days=back)
                    put(shop, day)
                    extract_all(shop, glue, day)
                    glue.execute("CALL warehouse.run_day(%s)", [day])
            wait_for_its_end(shop, pid)
            for table, columns in PROFILED.items():
                shop.execute(
                    f"INSERT INTO {table} (run_date, {columns}) SELECT run_date - n, {columns}"
                    f" FROM {table}, generate_series(%s::integer, %s::integer) AS n WHERE run_date = %s",
                    length, PROFILES[length], LAST,
                )  # fmt: skip
            # Both with the same knowledge of their tables: as autovacuum would have left them.
            shop.execute("VACUUM (ANALYZE)")
        yield made


def work(shop: Warehouse, operation: Callable[[Warehouse, Any], None]) -> dict[str, tuple[int, int]]:
    """Return rows and blocks that an operation reads, by table (all partitions of it together)."""
    before = counters(shop)
    with contextlib.closing(connect(shop.dsn)) as session:
        pid = session.info.backend_pid
        operation(shop, session)
    wait_for_its_end(shop, pid)
    after = counters(shop)
    read: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for relation, (rows, blocks) in after.items():
        old_rows, old_blocks = before.get(relation, (0, 0))
        table = relation.split("_p_2")[0]
        if table.startswith("pg_temp"):
            continue
        read[table] = (read[table][0] + rows - old_rows, read[table][1] + blocks - old_blocks)
    return {table: counts for table, counts in read.items() if counts != (0, 0)}


def wait_for_its_end(shop: Warehouse, pid: int) -> None:
    """Wait until a session is gone: it counts what it read when it ends."""
    while shop.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid):
        time.sleep(0.01)


def counters(shop: Warehouse) -> dict[str, tuple[int, int]]:
    # A session tells what it read once in a while: this one now, or its own work is found in what comes next.
    shop.execute("SELECT pg_stat_force_next_flush()")
    shop.execute("SELECT pg_stat_clear_snapshot()")
    return {row.relation: (row.rows, row.blocks) for row in shop.rows(COUNTERS)}


# -- what is done ------------------------------------------------------------------------------------


def first_load(shop: Warehouse, session: Any) -> None:
    put(shop, NEXT)
    extract_all(shop, session, NEXT)
    session.execute("CALL warehouse.run_day(%s)", [NEXT])


def reload(shop: Warehouse, session: Any) -> None:
    session.execute("CALL warehouse.run_day(%s)", [NEXT])


def redelivery(day: date) -> Callable[[Warehouse, Any], None]:
    def redeliver(shop: Warehouse, session: Any) -> None:
        """One order is other than before, one is gone, one is new; an event is gone, and one came again elsewhere."""
        _, second, *others = orders_of(day)
        shop.landing.orders(day, [*others, second | {"quantity": 7, "city": "Rome"}, order(f"O-{day}-new", day)])
        shop.landing.events(day, events_of(day)[1:])
        extract_all(shop, session, day)
        session.execute("CALL warehouse.run_day(%s)", [day])

    return redeliver


def a_late_order(shop: Warehouse, session: Any) -> None:
    """An order and an event that came twelve days ago come again, and go back."""
    old = LAST - timedelta(days=12)
    day = NEXT + timedelta(days=1)
    shop.landing.orders(day, [*orders_of(day), order(f"O-{old}-3", old, status="cancelled")])
    shop.landing.events(day, [*events_of(day), event(f"E-{old}-3", old, event_type="search")])
    for _ in range(2):
        extract_all(shop, session, day)
        session.execute("CALL warehouse.run_day(%s)", [day])
        put(shop, day)


OPERATIONS: dict[str, Callable[[Warehouse, Any], None]] = {
    "the first load of a day": first_load,
    "the same day again": reload,
    "a redelivery of the newest day with few changes": redelivery(NEXT),
    "a redelivery of an older day with few changes": redelivery(LAST_OLD_DAY),
    "a late order and event, and back": a_late_order,
}


def test_the_work_of_a_load_does_not_grow_with_the_history(shops: dict[int, Warehouse]) -> None:
    grown = []
    for name, operation in OPERATIONS.items():
        short, long = work(shops[SHORT], operation), work(shops[LONG], operation)
        print(f"{name}: {total(short)} rows and blocks with {SHORT} days, {total(long)} with {LONG}")
        for table in sorted(short.keys() | long.keys()):
            rows, blocks = short.get(table, (0, 0))
            more_rows, more_blocks = long.get(table, (0, 0))
            # A table of a few blocks (a row a day, say) is read whole, at no more cost than by its index. In a larger
            # one each row is looked up: two or three blocks for one, however large it is. When the planner goes from
            # the one to the other is a matter of its statistics, and more blocks for the same rows are no growth.
            is_small = shops[LONG].value("SELECT pg_relation_size(%s::regclass)", table) <= FEW_BLOCKS * 8192
            # A day's run has fourteen steps: to look at them once more is no growth.
            has_more_rows = more_rows > rows * 1.1 + 20
            has_more_blocks = more_blocks > max(blocks * 2.5, rows * BLOCKS_OF_A_ROW) + 20
            # The planner may go from a scan to an index: fewer rows for more blocks is no growth.
            is_less = more_rows + more_blocks <= rows + blocks
            if not is_less and (has_more_blocks or (has_more_rows and not is_small)):
                grown.append(f"{name}: {table}: rows {rows} -> {more_rows}, blocks {blocks} -> {more_blocks}")
    for shop in shops.values():
        assert not broken_promises(shop.connection)
    assert not grown, "\n".join(grown)


def total(read: dict[str, tuple[int, int]]) -> tuple[int, int]:
    return sum(rows for rows, _ in read.values()), sum(blocks for _, blocks in read.values())


@pytest.mark.parametrize("table", ["warehouse.fact_orders", "warehouse.fact_events"])
def test_a_filter_on_date_id_reads_the_partitions_that_can_hold_it(shops: dict[int, Warehouse], table: str) -> None:
    wanted = int(f"{LAST_OLD_DAY:%Y%m%d}")
    plans = []
    for shop in shops.values():
        shop.execute(f"PREPARE of_day (integer) AS SELECT sum(1) FROM {table} WHERE date_id = $1")
        plans += [partitions_in(shop, f"SELECT sum(1) FROM {table} WHERE date_id = {wanted}")]
        # Five times the server plans for the value. Later it may plan for any, if that costs no more: of partitions of
        # a few rows, as here, reading all costs next to nothing.
        plans += [partitions_in(shop, f"EXECUTE of_day ({wanted})") for _ in range(5)]
        shop.execute("DEALLOCATE of_day")
    # Its own day's, and those of the days after whose late rows reach back to it.
    assert all(1 <= len(plan) <= 4 for plan in plans)
    assert all(plan == plans[0] for plan in plans)


def partitions_in(shop: Warehouse, query: str) -> set[str]:
    """Return the partitions that the plan of a query names."""
    rows = shop.rows(f"EXPLAIN (COSTS OFF) {query}")
    return {word for row in rows for word in row[0].split() if "_p_20" in word and "idx" not in word}


def test_a_day_is_read_from_raw_without_the_rest_of_its_month(warehouse: Warehouse) -> None:
    # Nobody has analyzed the month yet: the planner knows nothing of it, as on any morning.
    days = [date(2025, 12, number) for number in range(1, 11)]
    for day in days:
        for part in range(2):
            numbers = range(part * 800, part * 800 + 800)
            warehouse.landing.orders(day, [order(f"O-{day}-{n}", day) for n in numbers], f"orders_{part}.json")
            warehouse.landing.events(
                day, [event(f"E-{day}-{n}-{m}", day) for n in numbers for m in "ab"], f"events_{part}.csv"
            )
        warehouse.landing.products(day, [product(f"P-{n}") for n in range(1_500)])
    steps = {"raw.orders_json": "clean_orders", "raw.events_csv": "clean_events", "raw.products_json": "clean_products"}
    warehouse.execute("SELECT raw.prepare_month(%s)", days[0])
    keep_autovacuum_away(warehouse)  # what it reads is counted, too
    with contextlib.closing(connect(warehouse.dsn)) as glue:
        pid = glue.info.backend_pid
        for day in days:
            extract_all(warehouse, glue, day)
    wait_for_its_end(warehouse, pid)

    def clean(_: Warehouse, session: Any) -> None:
        for step in steps.values():
            session.execute(f"CALL staging.{step}(%s)", [days[5]])

    read = work(warehouse, clean)
    for table in steps:
        pages = warehouse.value("SELECT pg_relation_size(%s::regclass) / 8192", f"{table}_p_2025_12")
        # A tenth of the month, three times: to clean it, to tell its files apart, for the reasons of what was rejected.
        assert pages > 150
        assert read[table][1] < pages, f"{table}: {read[table][1]} blocks of {pages}"


def test_what_is_read_from_raw_is_joined_to_no_table(warehouse: Warehouse) -> None:
    """The planner expects one row of a new day: it may hash five million where it should hash a dozen codes."""
    warehouse.landing.events(LAST, events_of(LAST))
    with contextlib.closing(connect(warehouse.dsn)) as glue:
        extract_all(warehouse, glue, LAST)
    plan = [
        row[0]
        for row in warehouse.rows(
            "EXPLAIN SELECT * FROM staging._read_events(%s, '', %s, '', now(), now(), '{1}', NULL, false)", LAST, LAST
        )
    ]
    assert any("events_csv_p_2025_12" in line for line in plan)
    assert not any("Join" in line or "Nested Loop" in line for line in plan), "\n".join(plan)


def test_a_catalogue_is_compared_product_by_product_whatever_the_statistics_know_of_its_day(
    warehouse: Warehouse,
) -> None:
    """Of a day that is newer than its statistics the planner expects no row: it would compare each product with all."""
    keep_autovacuum_away(warehouse)
    loads = "INSERT INTO warehouse.product_loads SELECT 'P-' || n, %s, true, 'a name' FROM generate_series(1, %s) AS n"
    warehouse.execute(loads, LAST - timedelta(days=1), 30)
    warehouse.execute("ANALYZE warehouse.product_loads")
    for day in (LAST, LAST + timedelta(days=7)):
        warehouse.execute(loads, day, 5_000)
    warehouse.execute(
        "CREATE TEMPORARY TABLE changed_products AS"
        " SELECT product_id, true AS is_described FROM warehouse.product_loads WHERE load_date = %s",
        LAST,
    )
    warehouse.execute("ANALYZE changed_products")
    source = warehouse.value("SELECT prosrc FROM pg_proc WHERE oid = 'warehouse._write_product_versions'::regproc")
    (statement,) = re.findall(r"CREATE TEMPORARY TABLE version_starts ON COMMIT DROP AS(.*?);", source, re.S)
    # As PL/pgSQL has it planned: with the day for its parameter.
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) {statement}".replace(
        "p_load_date", f"DATE '{LAST}'"
    )
    [plan] = warehouse.value(explain)
    rows = list(rows_of(plan["Plan"]))
    assert ("product_loads", 5_000) in [(table, returned) for table, returned, _ in rows]
    assert sum(returned + thrown_away for _, returned, thrown_away in rows) < 20 * 5_000


def rows_of(node: dict[str, Any]) -> Iterator[tuple[str, int, int]]:
    """Yield what each part of a plan reads (its table), and how many rows it returned and threw away."""
    loops = node["Actual Loops"]
    thrown_away = [node.get(f"Rows Removed by {by}", 0) for by in ("Filter", "Join Filter", "Index Recheck")]
    yield node.get("Relation Name", ""), round(node["Actual Rows"] * loops), round(sum(thrown_away) * loops)
    for part in node.get("Plans", []):
        yield from rows_of(part)

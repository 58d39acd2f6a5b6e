"""Closed months become one partition: the same rows, reloaded by the same code; and retention drops whole partitions.

ONLINE_RETAIL=all pytest tests/pipeline/test_compaction.py       all of Online Retail, not only a summer's weeks of it
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_postgresql.executors.noop import NoopExecutor

from tests.conftest import Warehouse, copy_of, new_warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.shop import Landing, checksums, event, events, order, orders, product

NOVEMBER = [date(2025, 11, day) for day in (3, 4, 10, 11, 30)]
DECEMBER = date(2025, 12, 1)
RETAIL_TOOL = Path(__file__).resolve().parents[3] / "shared" / "tools" / "online_retail_landing.py"
RETAIL_WHOLE = os.environ.get("ONLINE_RETAIL") == "all"
RETAIL_DAYS = ("2010-12-01", "2011-12-09") if RETAIL_WHOLE else ("2011-06-13", "2011-07-01")
RETAIL_LAST_MONTH = date(2011, 12, 1) if RETAIL_WHOLE else date(2011, 7, 1)
RETAIL_DAY = date(2011, 6, 15)


@pytest.fixture(scope="module")
def loaded(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse with a few days of November and one of December."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("loaded")) as made:
        made.execute(RULES_OFF)
        for day in [*NOVEMBER, DECEMBER]:
            put(made, day)
            made.run(day)
        yield made


@pytest.fixture
def shop(loaded: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of it; every promise is asked of it at the end."""
    with copy_of(loaded, tmp_path) as copy:
        yield copy
        assert not broken_promises(copy.connection)


def put(shop: Warehouse, day: date) -> None:
    """Put a day into the landing zone: ten orders and events of its own, and one that came the day before."""
    before = day - timedelta(days=1)
    shop.landing.orders(day, [*orders(10, day), order(f"O-{before}-1", before, status="shipped")])
    shop.landing.events(day, [*events(10, day), event(f"E-{before}-1", before, event_type="click")])
    if day.isoweekday() == 1:
        shop.landing.products(day, [product(f"P-{n}", current_price=day.day) for n in range(7)])


def partitions(shop: Warehouse, table: str) -> list[str]:
    """Return the names of a table's partitions, without the table's."""
    schema, name = table.split(".")
    found = shop.rows("SELECT relid::regclass::text AS name FROM pg_partition_tree(%s) WHERE isleaf ORDER BY 1", table)
    return [row.name.removeprefix(f"{schema}.{name}_p_") for row in found]


def compact(shop: Warehouse, before: date = DECEMBER) -> None:
    shop.call("warehouse.compact_partitions", before)


TABLES = ["staging.orders_clean", "staging.events_clean", "warehouse.fact_orders", "warehouse.fact_events"]


def test_a_closed_month_becomes_one_partition_of_the_same_rows(shop: Warehouse) -> None:
    rows = {t: sorted(map(str, shop.rows(f"TABLE {t}"))) for t in TABLES}
    compact(shop)
    assert all(partitions(shop, t) == ["2025_11", "2025_12_01"] for t in TABLES)
    assert partitions(shop, "staging.products_clean") == ["2025_11", "2025_12_01"]
    assert rows == {t: sorted(map(str, shop.rows(f"TABLE {t}"))) for t in TABLES}
    dates = [row.date_id for row in shop.rows("SELECT date_id FROM warehouse.fact_orders_p_2025_11 ORDER BY ctid")]
    assert dates == sorted(dates)


def test_compaction_says_what_it_merged_and_what_it_dropped(shop: Warehouse) -> None:
    shop.notices.clear()
    compact(shop)
    merged = [re.fullmatch(r"(\S+): (\d) days merged, \d+\.\d\d s", notice) for notice in shop.notices]
    assert {(said[1], int(said[2])) if said else None for said in merged} == {
        *((f"{table}_p_2025_11", len(NOVEMBER)) for table in TABLES), ("staging.products_clean_p_2025_11", 2),
    }  # fmt: skip
    shop.execute("UPDATE audit.settings SET value = '30' WHERE name = 'raw_keep_days'")
    shop.notices.clear()
    compact(shop, date(2025, 12, 31))
    assert sorted(notice for notice in shop.notices if "merged" not in notice) == [
        f"raw.{table}_p_2025_11 dropped" for table in ("events_csv", "orders_json", "products_json", "rejected_lines")
    ]


def test_who_runs_the_days_may_merge_and_drop_months(shop: Warehouse) -> None:
    shop.execute("UPDATE audit.settings SET value = '30' WHERE name = 'raw_keep_days'")
    with shop.connect("warehouse_runner") as runner:
        runner.execute("CALL warehouse.compact_partitions(%s)", [date(2025, 12, 31)])
    assert partitions(shop, "warehouse.fact_orders") == ["2025_11", "2025_12_01"]
    assert partitions(shop, "raw.orders_json") == ["2025_12"]


def test_a_month_that_is_not_over_keeps_its_days(shop: Warehouse) -> None:
    compact(shop, date(2025, 11, 30))
    assert len(partitions(shop, "warehouse.fact_orders")) == len(NOVEMBER) + 1


def test_a_second_compaction_changes_nothing(shop: Warehouse) -> None:
    compact(shop)
    before = shop.rows("SELECT inhrelid FROM pg_inherits ORDER BY 1")
    compact(shop)
    assert before == shop.rows("SELECT inhrelid FROM pg_inherits ORDER BY 1")


def test_a_compacted_month_has_all_indexes_checks_and_foreign_keys(shop: Warehouse) -> None:
    def of(partition: str) -> tuple[Any, Any]:
        indexes = shop.rows(
            "SELECT regexp_replace(pg_get_indexdef(indexrelid), '^.* USING', '') AS made, indisunique, indisvalid,"
            " EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid) AS attached"
            " FROM pg_index WHERE indrelid = %s::regclass ORDER BY 1, 2",
            partition,
        )
        keys = shop.rows(
            "SELECT conname, contype, convalidated FROM pg_constraint"
            " WHERE conrelid = %s::regclass AND contype <> 'n' ORDER BY 1",
            partition,
        )
        return {tuple(row) for row in indexes}, keys

    days = {t: of(f"{t}_p_2025_11_10") for t in TABLES}
    compact(shop)
    for table, (indexes, keys) in days.items():
        month_indexes, month_keys = of(f"{table}_p_2025_11")
        assert month_keys == keys
        assert {made for made, *_ in month_indexes - indexes} == {" btree (load_date)"}
        assert not indexes - month_indexes


def test_days_of_a_compacted_month_load_as_others_do(shop: Warehouse) -> None:
    whole = checksums(shop.connection)
    compact(shop)
    shop.call("warehouse.run_day", NOVEMBER[1])
    assert checksums(shop.connection) == whole

    day = NOVEMBER[2]
    shop.landing.orders(day, orders(4, day, price=Decimal("0.5")))
    shop.landing.events(day, events(2, day))
    shop.run(day)
    assert not broken_promises(shop.connection)
    assert shop.value("SELECT fact_orders_count FROM warehouse.daily_metrics WHERE run_date = %s", day) == 3
    put(shop, day)
    shop.run(day)
    assert checksums(shop.connection) == whole

    new = date(2025, 11, 20)
    put(shop, new)
    shop.run(new)
    assert "2025_11_20" not in partitions(shop, "warehouse.fact_orders")
    assert shop.value("SELECT count(*) FROM warehouse.fact_orders WHERE load_date = %s", new) == 11


def test_a_filter_on_date_id_finds_the_compacted_month_and_no_other(shop: Warehouse) -> None:
    compact(shop)
    plan = " ".join(row[0] for row in shop.rows("EXPLAIN SELECT 1 FROM warehouse.fact_orders WHERE date_id = 20251104"))
    assert "fact_orders_p_2025_11" in plan
    assert "fact_orders_p_2025_12" not in plan
    assert shop.value("SELECT count(*) FROM warehouse.fact_orders WHERE date_id = 20251104") == 10


def test_a_reader_that_stays_ends_compaction_with_its_pid_and_nothing_changed(shop: Warehouse) -> None:
    shop.execute("UPDATE audit.settings SET value = '2' WHERE name = 'swap_attempts'")
    before = {t: partitions(shop, t) for t in TABLES}
    reader = shop.connect()
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM warehouse.fact_orders")
    with pytest.raises(psycopg.Error) as caught:
        compact(shop)
    assert caught.value.sqlstate == "WH006"
    assert str(reader.info.backend_pid) in (caught.value.diag.message_detail or "")
    assert partitions(shop, "warehouse.fact_orders") == before["warehouse.fact_orders"]
    reader.execute("COMMIT")
    compact(shop)
    assert partitions(shop, "warehouse.fact_orders") == ["2025_11", "2025_12_01"]


def test_a_compaction_and_a_step_that_is_writing_a_dimension_take_turns(shop: Warehouse) -> None:
    """The step has read the dimension and will write it: foreign keys made in between would lock both for good."""
    shop.execute("UPDATE audit.settings SET value = '5' WHERE name = 'swap_attempts'")
    later = DECEMBER + timedelta(days=1)
    put(shop, later)
    shop.deliver(later)
    for step in ("audit.open_run", "staging.clean_orders", "staging.clean_events", "audit.check_quality"):
        shop.call(step, later)
    failures: list[BaseException] = []

    def begin(statement: str, day: date) -> tuple[threading.Thread, int]:
        connection = shop.connect()

        def make() -> None:
            try:
                connection.execute(statement, [day])
            except BaseException as failure:
                failures.append(failure)

        thread = threading.Thread(target=make)
        thread.start()
        return thread, connection.info.backend_pid

    def until(question: str, pid: int) -> None:
        deadline = time.monotonic() + 60
        while not shop.value(question, pid):
            assert time.monotonic() < deadline, question
            time.sleep(0.01)

    holder = shop.connect()
    with holder.transaction():
        holder.execute("LOCK TABLE warehouse.user_loads IN SHARE MODE")
        step, pid = begin("CALL warehouse.load_dim_user(%s)", later)
        until("SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)", pid)
        compaction, pid = begin("CALL warehouse.compact_partitions(%s)", DECEMBER)
        until(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND (locktype = 'advisory' AND NOT granted"
            " OR relation = 'warehouse.dim_user'::regclass AND mode = 'ShareRowExclusiveLock'))",
            pid,
        )
    step.join()
    compaction.join()
    assert failures == []
    assert shop.value("SELECT count(*) FROM audit.pipeline_steps WHERE status = 'failed'") == 0
    shop.call("warehouse.run_day", later)


def test_compaction_inside_a_transaction_says_so(shop: Warehouse) -> None:
    session = shop.connect()
    session.execute("BEGIN")
    with pytest.raises(psycopg.Error) as caught:
        session.execute("CALL warehouse.compact_partitions(%s)", [DECEMBER])
    assert caught.value.sqlstate == "WH003"
    session.execute("ROLLBACK")
    assert len(partitions(shop, "warehouse.fact_orders")) == len(NOVEMBER) + 1


def test_compaction_and_retention_wait_for_who_has_the_warehouse_alone(shop: Warehouse) -> None:
    session = shop.connect()
    session.execute("SET lock_timeout = '50ms'")
    for _ in range(2):  # at first there are months to merge, then some to drop
        before = shop.rows("SELECT inhrelid FROM pg_inherits ORDER BY 1")
        with shop.connect() as other, other.transaction():
            other.execute("SELECT warehouse._lock_warehouse_exclusive()")
            with pytest.raises(psycopg.Error, match="the warehouse stayed in use") as caught:
                session.execute("CALL warehouse.compact_partitions(%s)", [DECEMBER])
            assert caught.value.sqlstate == "WH006"
        assert shop.rows("SELECT inhrelid FROM pg_inherits ORDER BY 1") == before
        compact(shop)
        shop.execute("UPDATE audit.settings SET value = '0' WHERE name = 'raw_keep_days'")


def test_compaction_needs_a_date(shop: Warehouse) -> None:
    with pytest.raises(psycopg.Error) as caught:
        compact(shop, None)  # type: ignore[arg-type]
    assert caught.value.sqlstate == "WH004"


# -- retention ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("compacted_first", [False, True], ids=["days", "compacted"])
def test_a_day_whose_raw_is_gone_is_not_run_again(shop: Warehouse, compacted_first: bool) -> None:
    if compacted_first:
        compact(shop)
    facts = checksums(shop.connection)
    shop.execute("UPDATE audit.settings SET value = '30' WHERE name = 'raw_keep_days'")
    compact(shop, date(2025, 12, 31))
    assert partitions(shop, "raw.orders_json") == ["2025_12"]
    with pytest.raises(psycopg.Error) as caught:
        shop.call("warehouse.run_day", NOVEMBER[0])
    assert caught.value.sqlstate == "WH007"
    after = checksums(shop.connection)
    assert {t for t in facts if facts[t] != after[t]} <= {"warehouse.daily_metrics"}  # its status says failed

    put(shop, NOVEMBER[0])  # the same bytes: raw has to take them again
    shop.run(NOVEMBER[0])
    assert checksums(shop.connection) == facts


def test_staging_that_retention_dropped_is_made_again_from_raw(shop: Warehouse) -> None:
    whole = checksums(shop.connection)
    shop.execute("UPDATE audit.settings SET value = '0' WHERE name = 'staging_keep_days'")
    compact(shop)
    assert partitions(shop, "staging.orders_clean") == ["2025_12_01"]
    with pytest.raises(psycopg.Error) as caught:
        shop.call("warehouse.reload_fact_orders", NOVEMBER[0])
    assert caught.value.sqlstate == "WH007"
    assert checksums(shop.connection, ["warehouse"]).items() >= {
        (t, c) for t, c in whole.items() if t.startswith("warehouse.") and t != "warehouse.daily_metrics"
    }
    for day in NOVEMBER:
        shop.call("warehouse.run_day", day)
    assert checksums(shop.connection) == whole


def test_staging_of_a_single_row_is_missed_too(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    day = NOVEMBER[0]
    warehouse.landing.orders(day, orders(1, day))
    warehouse.run(day)
    warehouse.execute("UPDATE audit.settings SET value = '0' WHERE name = 'staging_keep_days'")
    compact(warehouse)
    with pytest.raises(psycopg.Error) as caught:
        warehouse.call("warehouse.reload_fact_orders", day)
    assert caught.value.sqlstate == "WH007"
    # Events, of which there were none, are not said to be gone.
    assert "staging_keep_days: orders. " in (caught.value.diag.message_detail or "")


# -- Online Retail -----------------------------------------------------------------------------------


# Small shops show it on every version; this is for what a real one has that they lack.
@pytest.mark.once
@pytest.mark.long
@pytest.mark.skipif(not RETAIL_TOOL.exists(), reason="../shared with Online Retail is not on this machine")
def test_online_retail_compacted_has_the_same_numbers(warehouse: Warehouse, tmp_path: Path) -> None:
    """All months but the last compacted; then one of their days again, shrunk, and whole again."""
    first, last = RETAIL_DAYS
    command = [sys.executable, RETAIL_TOOL, tmp_path / "landing", "--from", first, "--to", last]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    warehouse.landing = Landing(tmp_path / "landing")
    warehouse.execute(RULES_OFF)  # there are no events, and on five holidays only a catalogue
    days = sorted({date.fromisoformat(p.name) for p in (tmp_path / "landing").glob("*/*")})
    for day in days:
        warehouse.deliver(day)
    warehouse.call("warehouse.run_range", days[0], days[-1])
    before = checksums(warehouse.connection)
    totals = "SELECT count(*) AS lines, sum(revenue) AS revenue FROM warehouse.fact_orders"
    whole = warehouse.row(totals)
    if RETAIL_WHOLE:
        assert whole == (531_282, Decimal("10655622.484"))
    assert not broken_promises(warehouse.connection)

    warehouse.call("warehouse.compact_partitions", RETAIL_LAST_MONTH)
    assert not [
        p for p in partitions(warehouse, "warehouse.fact_orders") if len(p) == 10 and p < f"{RETAIL_LAST_MONTH:%Y_%m}"
    ]
    assert checksums(warehouse.connection) == before

    warehouse.call("warehouse.run_day", RETAIL_DAY)
    assert checksums(warehouse.connection) == before

    path = warehouse.landing.path("orders", RETAIL_DAY) / "orders.json"
    delivered = path.read_bytes()
    path.write_text(json.dumps(json.loads(delivered)[::2]), encoding="utf-8")
    warehouse.run(RETAIL_DAY)
    assert not broken_promises(warehouse.connection)
    assert warehouse.row(totals).lines < whole.lines

    path.write_bytes(delivered)
    warehouse.run(RETAIL_DAY)
    assert checksums(warehouse.connection) == before
    assert warehouse.row(totals) == whole

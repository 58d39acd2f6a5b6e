"""Beside people who read and days that run: readers see the old day or the new one, and nobody waits without end.

Two runs of a day, neighbouring days whose orders move, and merging beside them are in
tests/pipeline/test_failures.py and test_ownership.py; upgrades in tests/schema/test_migration.py; whoever dies
meanwhile in tests/trust/test_kills.py.
"""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from embedded.server import EmbeddedServer
from tests.conftest import Warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.shop import checksums, events, orders

DAY = date(2025, 12, 19)
QUANTITY = "SELECT sum(quantity) FROM warehouse.fact_orders"
OLD, NEW = 40, 100
STEPS_BEFORE_FACTS = (
    "audit.open_run", "staging.clean_orders", "staging.clean_events", "staging.clean_products", "audit.check_quality",
    "warehouse.load_dim_date", "warehouse.load_dim_user", "warehouse.load_dim_product",
)  # fmt: skip


@pytest.fixture
def changed_day(warehouse: Warehouse) -> Warehouse:
    """A day that is loaded, and delivered anew with other quantities: its facts have to be swapped. Staging is done."""
    warehouse.execute(RULES_OFF)
    put(warehouse, DAY, 2)
    warehouse.run(DAY)
    put(warehouse, DAY, 5)
    warehouse.deliver(DAY)
    for step in STEPS_BEFORE_FACTS:
        warehouse.call(step, DAY)
    return warehouse


def put(warehouse: Warehouse, day: date, quantity: int) -> None:
    """Put a day of twenty orders and events into the landing zone."""
    warehouse.landing.orders(day, orders(20, day, quantity=quantity))
    warehouse.landing.events(day, events(20, day))


def swaps_ask(warehouse: Warehouse, *, times: int) -> None:
    """Set how often a swap asks for its locks: a short time each, with a short pause between."""
    warehouse.execute("UPDATE audit.settings SET value = %s WHERE name = 'swap_attempts'", str(times))
    warehouse.execute("UPDATE audit.settings SET value = '20' WHERE name IN ('swap_lock_timeout_ms', 'swap_pause_ms')")


class Call(threading.Thread):
    """A CALL in a session of its own."""

    def __init__(self, warehouse: Warehouse, procedure: str, day: date) -> None:
        super().__init__(daemon=True)
        self.connection = warehouse.connect()
        self.statement = f"CALL {procedure}('{day}')"
        self.error: psycopg.Error | None = None
        self.start()

    def run(self) -> None:
        try:
            self.connection.execute(self.statement)
        except psycopg.Error as error:
            self.error = error

    def end(self) -> None:
        self.join(60)
        assert not self.is_alive()


def wait_for(question: Callable[[], Any]) -> None:
    """Ask until the answer is true."""
    end = time.monotonic() + 60
    while not question():
        assert time.monotonic() < end
        time.sleep(0.01)


def wait_until_it_asks(warehouse: Warehouse, call: Call) -> None:
    """Wait until a swap has asked for its locks once and not got them: it pauses."""
    pauses = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
    wait_for(lambda: warehouse.rows(pauses, call.connection.info.backend_pid))


@contextmanager
def reading(warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    """A transaction that has read the facts, and stays open: a long query, as far as locks go."""
    with warehouse.connect() as reader, reader.transaction():
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert reader.execute(QUANTITY).fetchone() == (OLD,)
        yield reader


def test_a_swap_waits_for_a_long_query_and_new_readers_pass(changed_day: Warehouse) -> None:
    swaps_ask(changed_day, times=100_000)
    with reading(changed_day) as reader:
        call = Call(changed_day, "warehouse.reload_fact_orders", DAY)
        wait_until_it_asks(changed_day, call)
        other = changed_day.connect()
        # Without the swap's pauses the first of them would wait until the long query ends, which is never.
        other.execute("SET statement_timeout = '30s'")
        for _ in range(20):
            assert other.execute(QUANTITY).fetchone() == (OLD,)
        assert call.is_alive()
        assert reader.execute(QUANTITY).fetchone() == (OLD,)
    call.end()
    assert call.error is None
    assert changed_day.value(QUANTITY) == NEW


@contextmanager
def looking_after(warehouse: Warehouse) -> Iterator[None]:
    """A transaction that holds what VACUUM, ANALYZE and autovacuum hold of the day."""
    with warehouse.connect() as other, other.transaction():
        other.execute(f"LOCK TABLE warehouse.fact_orders_p_{DAY:%Y_%m_%d} IN SHARE UPDATE EXCLUSIVE MODE")  # type: ignore[arg-type]
        yield


def test_a_swap_waits_for_who_looks_after_the_day_and_readers_pass(changed_day: Warehouse) -> None:
    """Autovacuum yields after a second: to one who asks for 80 ms at a time it never would."""
    swaps_ask(changed_day, times=100_000)
    with looking_after(changed_day):
        call = Call(changed_day, "warehouse.reload_fact_orders", DAY)
        waits = "SELECT FROM pg_locks WHERE pid = %s AND mode = 'ShareUpdateExclusiveLock' AND NOT granted"
        wait_for(lambda: changed_day.rows(waits, call.connection.info.backend_pid))
        assert changed_day.value(QUANTITY) == OLD
    call.end()
    assert call.error is None
    assert changed_day.value(QUANTITY) == NEW


def test_a_swap_gives_up_when_the_day_is_looked_after_for_too_long(changed_day: Warehouse) -> None:
    swaps_ask(changed_day, times=1)
    with looking_after(changed_day), pytest.raises(psycopg.Error, match="stayed in use") as caught:
        changed_day.call("warehouse.reload_fact_orders", DAY)
    assert caught.value.sqlstate == "WH006"
    assert changed_day.value(QUANTITY) == OLD


def test_readers_see_the_old_day_and_then_the_new_one_and_never_a_part(changed_day: Warehouse) -> None:
    swaps_ask(changed_day, times=100_000)
    seen: list[list[int]] = [[], []]
    done = threading.Event()

    def read(what: list[int]) -> None:
        with changed_day.connect() as reader:
            while len(what) < 2 or not done.is_set():
                what.append(reader.execute(QUANTITY).fetchone()[0])
            what.append(reader.execute(QUANTITY).fetchone()[0])

    readers = [threading.Thread(target=read, args=(what,), daemon=True) for what in seen]
    for thread in readers:
        thread.start()
    wait_for(lambda: all(seen))
    call = Call(changed_day, "warehouse.reload_fact_orders", DAY)
    call.end()
    done.set()
    for thread in readers:
        thread.join(60)
        assert not thread.is_alive()
    assert call.error is None
    for what in seen:
        assert set(what) == {OLD, NEW}
        assert what == sorted(what)


def test_a_reload_of_few_changes_and_a_first_load_wait_for_no_reader(changed_day: Warehouse) -> None:
    swaps_ask(changed_day, times=1)
    changed_day.call("warehouse.reload_fact_orders", DAY)
    lines = orders(20, DAY, quantity=5)
    lines[3]["quantity"] = 6
    changed_day.landing.orders(DAY, lines)
    before = DAY - timedelta(days=1)
    put(changed_day, before, 1)
    with changed_day.connect() as reader, reader.transaction():
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert reader.execute(QUANTITY).fetchone() == (NEW,)
        changed_day.run(DAY)
        changed_day.run(before)
        assert reader.execute(QUANTITY).fetchone() == (NEW,)
    assert changed_day.value(QUANTITY) == NEW + 1 + 20


def test_a_swap_gives_up_beside_a_backup_and_the_backup_is_of_the_old_day(
    changed_day: Warehouse, server: EmbeddedServer
) -> None:
    swaps_ask(changed_day, times=3)
    facts = checksums(changed_day.connection)
    command = [server.binaries() / "pg_dump", "--dbname", changed_day.dsn]
    # Its output is longer than a pipe holds: it stands, with its locks, until somebody reads it.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as dump:
        dumping = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pg_dump' AND state LIKE 'idle%%'"
        holds = "SELECT FROM pg_locks WHERE relation = 'warehouse.fact_orders'::regclass AND pid IN ({})"
        wait_for(lambda: changed_day.rows(holds.format(dumping)))
        (pid,) = changed_day.row("SELECT pid FROM pg_stat_activity WHERE application_name = 'pg_dump'")
        with pytest.raises(psycopg.Error) as caught:
            changed_day.call("warehouse.reload_fact_orders", DAY)
        assert caught.value.sqlstate == "WH006"
        assert str(pid) in (caught.value.diag.message_detail or "")
        after = checksums(changed_day.connection)
        assert {t for t in facts if facts[t] != after[t]} <= {"warehouse.daily_metrics"}  # it says failed

        # Another day is loaded for the first time: that waits for nobody.
        before = DAY - timedelta(days=1)
        put(changed_day, before, 1)
        changed_day.run(before)
        said = dump.communicate(timeout=60)[0]
        assert dump.returncode == 0
    copied = said.partition("COPY warehouse.fact_orders_p_2025_12_19 ")[2].partition("\\.\n")[0].splitlines()[1:]
    assert len(copied) == 20
    assert all("\t2\t9.99\t" in line for line in copied)
    changed_day.call("warehouse.run_day", DAY)
    assert changed_day.value(QUANTITY) == NEW + 20
    assert not broken_promises(changed_day.connection)


def test_no_deadlock_and_no_lost_or_doubled_row_when_all_happens_at_once(changed_day: Warehouse) -> None:
    """Three days with orders of each other, one of them twice, and merging, at once, for three rounds."""
    swaps_ask(changed_day, times=100_000)
    days = [date(2025, 11, 29), date(2025, 11, 30), date(2025, 12, 1)]
    for turn in range(3):
        for number, day in enumerate(days):
            shared = [
                line for n in range(3) if (n + turn + number) % 2 for line in orders(4, days[n], quantity=turn + 1)
            ]
            changed_day.landing.orders(day, [*orders(2, day, first=90), *shared])
            changed_day.landing.events(day, [*events(3, days[0]), *events(2, day, first=90)])
            changed_day.deliver(day)
        calls = [Call(changed_day, "warehouse.run_day", day) for day in (*days, days[1])]
        calls.append(Call(changed_day, "warehouse.compact_partitions", date(2025, 12, 1)))
        for call in calls:
            call.end()
            assert call.error is None, call.statement
        assert not broken_promises(changed_day.connection, [DAY])
    running = "SELECT count(*) FROM audit.pipeline_steps s WHERE s.status = 'running'"
    assert changed_day.value(running) == 0

"""Nobody waits without end or in silence, and nobody who may only read can keep a day from being loaded.

An analyst takes our advisory locks, pins partitions, or fakes a step that lives; a client is stopped in the middle of a
COPY; a rule lets go of locks. See docs/explanation/trust.md.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_postgresql.executors.noop import NoopExecutor

from glue.connection import connect
from glue.run import Runner
from tests.conftest import Warehouse, copy_of, new_warehouse
from tests.promises import RULES_OFF
from tests.rules import add_rule, deliver_good_day, judge, results
from tests.shop import events, orders
from tests.steps import DAY, SOMEBODY_WAITS, Caller, newest_step, put_day, wait_for

NUMBER = f"(date '{DAY}' - date '2000-01-01')"
CLASS = "hashtext('ecommerce_warehouse {}')"
# What an analyst may lock: {first key: (second key, what it stops)}.
LOCKS = {
    "in use": ("0", "CALL staging.clean_orders(%s)"),
    "runs": (NUMBER, "CALL staging.clean_orders(%s)"),
    "month": ("2025 * 12 + 11", "CALL staging.clean_orders(%s)"),
    "clean_orders": (NUMBER, "CALL staging.clean_orders(%s)"),
    "publish": ("'staging.orders_clean'::regclass::oid::integer", "CALL staging.clean_orders(%s)"),
    "load orders": (NUMBER, "SELECT raw.open_load('orders', %s, 'a.json', '0')"),
    "partitions": ("hashtext('raw')", "SELECT raw.prepare_month(%s::date + 40)"),
}


@pytest.fixture(scope="module")
def landed(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A day in raw."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("landed")) as made:
        put_day(made)
        yield made


@pytest.fixture
def delivered(landed: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of it."""
    with copy_of(landed, tmp_path) as copy:
        yield copy


@pytest.fixture(scope="module")
def ran(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A day that ran."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("ran")) as made:
        made.execute(RULES_OFF)
        changed(made, 1)
        yield made


@pytest.fixture
def loaded(ran: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of it."""
    with copy_of(ran, tmp_path) as copy:
        yield copy


@pytest.fixture(scope="module")
def cleaned(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A day that every rule is content with, judged."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("cleaned")) as made:
        deliver_good_day(made)
        judge(made)
        yield made


@pytest.fixture
def good_day(cleaned: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of it."""
    with copy_of(cleaned, tmp_path) as copy:
        yield copy


def analyst(warehouse: Warehouse) -> psycopg.Connection[Any]:
    """Return a session of an analyst's."""
    return warehouse.connect("warehouse_analyst", application_name="curious")


def limits(warehouse: Warehouse, *, notice: int = 3, wait: int = 900) -> None:
    """Set after how many seconds one is told for whom it waits, and after how many it gives up."""
    for name, value in (("lock_notice_s", notice), ("lock_wait_s", wait)):
        warehouse.execute("UPDATE audit.settings SET value = %s WHERE name = %s", str(value), name)


# -- our advisory locks ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOCKS)
def test_who_waits_for_a_lock_gives_up_or_goes_on_and_is_told_for_whom(delivered: Warehouse, name: str) -> None:
    key, statement = LOCKS[name]
    session = analyst(delivered)
    session.execute(f"SELECT pg_advisory_lock({CLASS.format(name)}, %s)", [delivered.value(f"SELECT {key}")])
    holder = f"with pid {session.info.backend_pid}: postgres (curious)"
    limits(delivered, wait=1)
    with pytest.raises(psycopg.Error, match="stayed in use") as caught:
        delivered.execute(statement, DAY)
    assert caught.value.sqlstate == "WH006"
    assert holder in caught.value.diag.message_detail
    is_step = "clean_orders" in statement
    if is_step and name != "runs":
        step = newest_step(delivered)
        assert (step.status, step.error_sqlstate) == ("failed", "WH006")
        assert "curious" in step.error_message

    limits(delivered, notice=0)
    caller = Caller(delivered, statement.replace("%s", f"'{DAY}'"))
    # The server's notice is here while the server still waits.
    (told,) = wait_for(lambda: [notice for notice in delivered.notices if notice.startswith("waiting for ")])
    assert holder in told
    assert caller.is_alive()
    session.execute("SELECT pg_advisory_unlock_all()")
    caller.join(20)
    assert not caller.is_alive()
    assert caller.error is None
    assert sum(notice.startswith("waiting for ") for notice in delivered.notices) == 1
    if is_step:
        assert newest_step(delivered).status == "succeeded"


def test_a_sessions_own_lock_timeout_goes_before_the_setting(warehouse: Warehouse) -> None:
    session = analyst(warehouse)
    session.execute(f"SELECT pg_advisory_lock({CLASS.format('in use')}, 0)")
    warehouse.execute("SET lock_timeout = '20ms'")
    with pytest.raises(psycopg.Error, match="stayed in use") as caught:
        warehouse.call("audit.open_run", DAY)
    assert caught.value.sqlstate == "WH006"
    assert warehouse.value("SHOW lock_timeout") == "20ms"


def test_a_lock_that_a_prepared_transaction_holds_is_named_as_such(warehouse: Warehouse) -> None:
    held = warehouse.value("SELECT warehouse._sessions(ARRAY[NULL, pg_backend_pid(), pg_backend_pid()]::integer[])")
    assert re.fullmatch(r"with pid \d+: postgres \(-\); of a prepared transaction", held)
    assert warehouse.value("SELECT warehouse._sessions(NULL)") == "(gone now)"


def test_what_shares_a_lock_is_told_of_who_waits_for_it_alone(delivered: Warehouse) -> None:
    limits(delivered, notice=0)
    sharing, alone = analyst(delivered), analyst(delivered)
    sharing.execute(f"SELECT pg_advisory_lock_shared({CLASS.format('in use')}, 0)")
    waiting = threading.Thread(target=alone.execute, args=[f"SELECT pg_advisory_lock({CLASS.format('in use')}, 0)"])
    waiting.start()
    wait_for(lambda: delivered.rows(f"{SOMEBODY_WAITS} AND locktype = 'advisory'"))
    caller = Caller(delivered, f"CALL staging.clean_orders('{DAY}')")
    (told,) = wait_for(lambda: [notice for notice in delivered.notices if notice.startswith("waiting for ")])
    assert f"pid {alone.info.backend_pid}:" in told
    assert f"pid {sharing.info.backend_pid}:" not in told
    sharing.execute("SELECT pg_advisory_unlock_all()")
    waiting.join(20)
    alone.execute("SELECT pg_advisory_unlock_all()")
    caller.join(20)
    assert caller.error is None


def test_one_routine_waits_for_advisory_locks_and_no_other(warehouse: Warehouse) -> None:
    found = warehouse.rows(
        r"""
        SELECT p.proname FROM pg_proc AS p
        WHERE p.pronamespace::regnamespace::text IN ('raw', 'staging', 'warehouse', 'audit')
          AND p.prosrc ~ 'pg_advisory_(xact_)?lock'
        """
    )
    assert [row.proname for row in found] == ["_wait_for_lock"]


def test_no_table_of_a_step_is_waited_for_without_end(delivered: Warehouse) -> None:
    limits(delivered, wait=1)
    delivered.execute("UPDATE audit.settings SET value = '1' WHERE name = 'step_attempts'")
    with delivered.connect() as other, other.transaction():
        other.execute("LOCK TABLE staging.codes IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            delivered.call("staging.clean_orders", DAY)
    delivered.call("staging.clean_orders", DAY)
    assert delivered.value("SHOW lock_timeout") == "0"


# -- a client that is stopped ------------------------------------------------------------------------


def glue(warehouse: Warehouse, *arguments: str) -> subprocess.Popen[str]:
    """Start the command line on a warehouse."""
    return subprocess.Popen(
        [sys.executable, "-m", "glue", *arguments],
        env=os.environ | {"WAREHOUSE_DSN": warehouse.dsn, "LANDING_URL": str(warehouse.landing.folder)},
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.once
def test_beside_an_extract_that_is_stopped_in_its_copy_a_run_of_the_day_gives_up(warehouse: Warehouse) -> None:
    limits(warehouse, notice=0, wait=1)
    folder = warehouse.landing.folder / "events" / DAY.isoformat()
    folder.mkdir(parents=True)
    row = f"E-1,view,{DAY}T10:00:00Z,U-1,P-1\n"
    (folder / "events.csv").write_text("event_id,event_type,event_ts,user_id,product_id\n" + row * 500_000)
    first = glue(warehouse, "extract", "events", DAY.isoformat())
    copying = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%%'"
    (copier,) = wait_for(lambda: warehouse.rows(copying))
    os.kill(first.pid, signal.SIGSTOP)
    try:
        assert warehouse.value("SELECT state FROM pg_stat_activity WHERE pid = %s", copier.pid) == "active"
        second = glue(warehouse, "run", DAY.isoformat())
        said, _ = second.communicate(timeout=60)
        assert second.returncode == 1
        assert f"waiting for load events of {DAY}, held by the sessions with pid {copier.pid}: postgres (glue" in said
        assert f"load events of {DAY} stayed in use (WH006)" in said
    finally:
        os.kill(first.pid, signal.SIGCONT)
    said, _ = first.communicate(timeout=120)
    assert first.returncode == 0, said
    assert warehouse.value("SELECT count(*) FROM raw.events_csv") == 500_000


def test_our_connections_notice_a_client_or_a_network_that_is_gone(warehouse: Warehouse) -> None:
    with contextlib.closing(connect(warehouse.dsn)) as connection:
        (interval,) = connection.execute("SHOW client_connection_check_interval").fetchone() or (None,)
        assert interval == "2s"
        options = connection.info.get_parameters()
    assert (options["keepalives_idle"], options["keepalives_interval"], options["keepalives_count"]) == (
        "60",
        "10",
        "3",
    )
    with contextlib.closing(connect(f"{warehouse.dsn} keepalives_idle=7")) as connection:
        assert connection.info.get_parameters()["keepalives_idle"] == "7"


# -- pins on partitions ------------------------------------------------------------------------------

PARTITION = f"warehouse.fact_orders_p_{DAY:%Y_%m_%d}"
PINS = {
    "a column": (f"CREATE TABLE marts.pin (p {PARTITION})", "DROP TABLE marts.pin", "column p of table marts.pin"),
    "an array": (f"CREATE TABLE marts.pin (p {PARTITION}[])", "DROP TABLE marts.pin", "column p of table marts.pin"),
    "a temporary table": (f"CREATE TEMPORARY TABLE pin (p {PARTITION})", "DROP TABLE pin", "column p of table pg_temp"),
    "a view": (f"CREATE VIEW marts.pin AS SELECT * FROM {PARTITION}", "DROP VIEW marts.pin", "on view marts.pin"),
    "a function": (
        f"CREATE FUNCTION marts.pin() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM {PARTITION}; END",
        "DROP FUNCTION marts.pin()",
        "function marts.pin()",
    ),
    "an argument": (
        f"CREATE FUNCTION marts.pin({PARTITION}) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION marts.pin(warehouse.replaced)",
        "function marts.pin(",
    ),
    "a default": (
        f"CREATE TABLE marts.pin (p text DEFAULT (NULL::{PARTITION})::text)",
        "DROP TABLE marts.pin",
        "default value for column p of table marts.pin",
    ),
    "a check": (
        f"CREATE TABLE marts.pin (p text CONSTRAINT pin CHECK ((NULL::{PARTITION}) IS NULL))",
        "DROP TABLE marts.pin",
        "constraint pin on table marts.pin",
    ),
    "a policy": (
        f"CREATE TABLE marts.pin (p text); CREATE POLICY pin ON marts.pin USING (EXISTS (SELECT FROM {PARTITION}))",
        "DROP TABLE marts.pin",
        "policy pin on table marts.pin",
    ),
    "a type": (f"CREATE TYPE marts.pin AS (p {PARTITION})", "DROP TYPE marts.pin", "of composite type marts.pin"),
    "a domain": (f"CREATE DOMAIN marts.pin AS {PARTITION}", "DROP DOMAIN marts.pin", "type marts.pin"),
}  # fmt: skip


@contextlib.contextmanager
def warned(warehouse: Warehouse) -> Iterator[list[str]]:
    """Collect the warnings of the warehouse's connection."""
    found: list[str] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            found.append(notice.message_primary or "")

    warehouse.connection.add_notice_handler(note)
    yield found
    warehouse.connection.remove_notice_handler(note)


def changed(warehouse: Warehouse, quantity: int) -> None:
    """Deliver the day with every line another, so that its facts are swapped."""
    warehouse.landing.orders(DAY, orders(20, DAY, quantity=quantity))
    warehouse.landing.events(DAY, events(20, DAY))
    warehouse.run(DAY)


@pytest.mark.parametrize(
    "pin",
    # What hangs on a table is all alike to us, and in one catalog of PostgreSQL's.
    [
        pytest.param(pin, marks=[] if pin in ("a column", "a view", "a function") else [pytest.mark.once])
        for pin in PINS
    ],
)
def test_what_analysts_pin_keeps_no_day_from_being_reloaded_or_compacted(loaded: Warehouse, pin: str) -> None:
    made, dropped, described = PINS[pin]
    session = analyst(loaded)
    session.execute(made)
    with warned(loaded) as warnings:
        changed(loaded, 2)
    (warning,) = warnings
    assert warning.startswith(f"what was {PARTITION} is kept, empty, as replaced_")
    assert described in warning
    assert "(made by warehouse_analyst)" in warning
    assert loaded.value("SELECT sum(quantity) FROM warehouse.fact_orders") == 40
    (left,) = loaded.rows(
        "SELECT c.oid, c.oid::regclass::text AS name FROM pg_class c"
        " WHERE c.relname LIKE 'replaced%%' AND c.relkind = 'r'"
    )
    assert loaded.value(f"SELECT count(*) FROM {left.name}") == 0
    assert loaded.rows("SELECT conname FROM pg_constraint WHERE conrelid = %s AND contype = 'f'", left.oid) == []

    with pytest.raises(psycopg.Error):  # what it was made for: no row of ours ever came that way
        session.execute("SELECT * FROM marts.pin" if pin == "a view" else "SELECT 1 / 0")
    if pin == "a column":
        # Merging the month meets a pin as well.
        again = analyst(loaded)
        again.execute(f"CREATE TABLE marts.again (p {PARTITION})")
        loaded.call("warehouse.compact_partitions", date(2026, 1, 1))
        assert loaded.value("SELECT sum(quantity) FROM warehouse.fact_orders") == 40
        assert loaded.value("SELECT to_regclass(%s) IS NULL", PARTITION)
        again.execute("DROP TABLE marts.again")
    loaded.notices.clear()
    loaded.call("warehouse.compact_partitions", date(2026, 1, 1))
    assert any(notice.startswith(f"{left.name} is still needed by") for notice in loaded.notices)
    session.execute(dropped.replace("warehouse.replaced", left.name))
    loaded.call("warehouse.compact_partitions", date(2026, 1, 1))
    assert loaded.rows("SELECT FROM pg_class WHERE relname LIKE 'replaced%%'") == []


def test_a_pin_keeps_no_month_of_raw_that_retention_drops(loaded: Warehouse) -> None:
    loaded.execute("CREATE TABLE marts.pin (p raw.orders_json_p_2025_12)")
    loaded.execute("UPDATE audit.settings SET value = '30' WHERE name = 'raw_keep_days'")
    loaded.call("warehouse.compact_partitions", date(2026, 10, 1))
    assert loaded.value("SELECT count(*) FROM raw.orders_json") == 0
    assert loaded.value("SELECT to_regclass('raw.orders_json_p_2025_12') IS NULL")
    loaded.execute("DROP TABLE marts.pin")


# -- rules, and who lives ----------------------------------------------------------------------------


FORBIDDEN = {
    "pg_sleep": "(SELECT count(pg_sleep(1e6)))",
    "lo_creat": "(SELECT lo_creat(-1)::bigint)",
    "pg_advisory_unlock_all": "(SELECT count(pg_advisory_unlock_all()))",
    "pg_advisory_lock": "(SELECT count(pg_advisory_lock(1)))",
    "set_config": "(SELECT length(set_config('work_mem', '1GB', false)))",
    "query_to_xml": "(SELECT length(query_to_xml('SELECT pg_sleep(1e6)', true, true, '')::text))",
    "pg_ls_dir": "(SELECT count(*) FROM pg_ls_dir('.'))",
}


def test_a_rule_calls_no_function_that_waits_locks_or_reaches_beyond_it(good_day: Warehouse) -> None:
    add_rule(good_day, "0", table_name=None, min_value=-1000)
    for function, expression in FORBIDDEN.items():
        good_day.execute("UPDATE audit.dq_rules SET expression = %s WHERE rule_name = 'own'", expression)
        with pytest.raises(psycopg.Error, match="blocked"):
            good_day.call("audit.check_quality", DAY)
        verdict = results(good_day)["own"]
        assert not verdict.passed
        assert verdict.message == f"the rule cannot be evaluated: a rule may not call {function} (WH004)"
        with pytest.raises(psycopg.Error, match=f"a rule may not call {function}") as caught:
            good_day.execute("SELECT audit._evaluate(%s, NULL)", f"SELECT {expression} AS a")
        assert caught.value.sqlstate == "WH004"


@pytest.mark.once
def test_rules_that_take_too_long_are_cancelled_and_the_day_goes_on_without_them(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glue.run.FIRST_LOOK_SECONDS", 0.1)
    monkeypatch.setenv("LANDING_URL", str(warehouse.landing.folder))
    warehouse.execute(RULES_OFF)
    warehouse.execute("UPDATE audit.settings SET value = '1' WHERE name = 'rule_limit_s'")
    put_day(warehouse)
    endless = "(SELECT count(*) FROM generate_series(1, 1000000000000))"
    add_rule(warehouse, endless, table_name=None, min_value=1)
    said: list[str] = []
    (result,) = Runner(warehouse.dsn, said.append).run([DAY])
    assert result.outcome == "failed"
    assert "(57014)" in result.reason
    assert "the quality gate takes longer than 1 s (setting rule_limit_s): it is cancelled" in said
    step = newest_step(warehouse)
    assert (step.step, step.status, step.error_sqlstate) == ("check_quality", "failed", "57014")
    warehouse.execute("DELETE FROM audit.dq_rules WHERE rule_name = 'own'")
    assert Runner(warehouse.dsn, said.append).run([DAY])[0].outcome == "succeeded"


def test_a_rule_may_ask_the_clock_and_compute(good_day: Warehouse) -> None:
    add_rule(
        good_day,
        "(SELECT extract(epoch FROM clock_timestamp() - now()) + length(upper('a')) + random())",
        table_name=None,
        min_value=-1000,
    )
    good_day.call("audit.check_quality", DAY)
    assert results(good_day)["own"].passed


def test_nothing_that_a_rule_does_stays(good_day: Warehouse) -> None:
    good_day.execute(
        "CREATE FUNCTION public.stay() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM set_config('work_mem', '77MB', false); RETURN lo_creat(-1);"
        " EXCEPTION WHEN OTHERS THEN RETURN 1; END $$"
    )
    add_rule(good_day, "public.stay()", table_name=None, min_value=-1000)
    before = good_day.value("SHOW work_mem")
    good_day.call("audit.check_quality", DAY)
    assert results(good_day)["own"].passed
    assert good_day.value("SHOW work_mem") == before
    assert good_day.value("SELECT count(*) FROM pg_largeobject_metadata") == 0
    assert good_day.rows("SELECT FROM pg_proc WHERE proname = 'rule'") == []


def test_a_step_lives_whatever_locks_a_rule_lets_go(good_day: Warehouse) -> None:
    good_day.execute(
        "CREATE FUNCTION public.let_go() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_advisory_unlock_all(); PERFORM pg_advisory_xact_lock_shared(77); RETURN 1; END $$"
    )
    add_rule(good_day, "public.let_go()", table_name=None, min_value=-1000)
    alive = "SELECT audit.step_is_alive(%s::bigint)"
    with good_day.connect() as other:
        with other.transaction():
            other.execute("SELECT pg_advisory_xact_lock(77)")
            caller = Caller(good_day, f"CALL audit.check_quality('{DAY}')")
            wait_for(lambda: good_day.rows(f"{SOMEBODY_WAITS} AND locktype = 'advisory'"))
            step = newest_step(good_day)
            assert good_day.value(alive, step.step_id)
        caller.join(20)
    assert caller.error is None
    assert newest_step(good_day).status == "succeeded"
    assert not good_day.value(alive, step.step_id)
    # The driver's session has given back all that it held.
    assert caller.connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    ).fetchone() == (0,)


def test_a_dead_step_does_not_live_on_in_another_sessions_hands(warehouse: Warehouse) -> None:
    dying = warehouse.connect()
    (step_id,) = dying.execute("SELECT raw.begin_extract('orders', %s)", [DAY]).fetchone()
    session = analyst(warehouse)
    key = session.execute("SELECT lock_key FROM audit.pipeline_steps WHERE step_id = %s", [step_id]).fetchone()[0]
    waiting = threading.Thread(
        target=session.execute, args=[f"SELECT pg_advisory_lock({CLASS.format('step is alive')}, {key})"]
    )
    waiting.start()
    wait_for(lambda: warehouse.rows(f"{SOMEBODY_WAITS} AND locktype = 'advisory'"))
    assert warehouse.value("SELECT audit.step_is_alive(%s::bigint)", step_id)
    dying.close()
    waiting.join(20)
    assert not waiting.is_alive()
    assert not warehouse.value("SELECT audit.step_is_alive(%s::bigint)", step_id)


def test_a_step_begins_whatever_is_locked_in_the_name_of_steps_to_come(delivered: Warehouse) -> None:
    session = analyst(delivered)
    session.execute(f"SELECT pg_advisory_lock({CLASS.format('step is alive')}, n) FROM generate_series(1, 50) AS n")
    delivered.call("warehouse.run_day", DAY)
    assert delivered.value("SELECT status FROM warehouse.daily_metrics") == "succeeded"


# -- dates that cannot be ----------------------------------------------------------------------------

NO_DAYS = (
    "NULL",
    "'1899-12-31'",
    "'3000-01-01'",
    "'0001-01-01'",
    "'2031-12-01 BC'",
    "'infinity'",
    "'-infinity'",
    "'5874897-12-31'",
)
ARGUMENTS = {"bigint": "0", "integer": "1", "text": "'orders'", "text[]": "'{city}'"}


@pytest.mark.once  # what is refused, and in which words
def test_a_date_outside_the_years_that_there_can_be_is_refused_by_every_public_routine(warehouse: Warehouse) -> None:
    routines = warehouse.rows(
        """
        SELECT p.prokind, p.oid::regproc::text AS name, array_agg(t.type::regtype::text ORDER BY t.place) AS types
        FROM pg_proc AS p
        CROSS JOIN unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, place)
        WHERE p.pronamespace::regnamespace::text IN ('raw', 'staging', 'warehouse', 'audit')
          -- An order may be a century older than the first day of the warehouse: tests/pipeline/test_shops_day.py.
          -- A plan without a date is of all days.
          AND p.proname NOT IN ('start_of_day', 'plan')
          AND p.proname NOT LIKE E'\\\\_%%' AND 'date'::regtype = ANY (p.proargtypes::oid[])
          AND (has_function_privilege('warehouse_runner', p.oid, 'EXECUTE')
               OR has_function_privilege('warehouse_loader', p.oid, 'EXECUTE'))
        GROUP BY p.oid
        """
    )
    assert len(routines) >= 19
    special = {"staging.duplicate_count": "'staging.orders_clean'"}
    for kind, name, types in routines:
        for place in (place for place, kind_of in enumerate(types) if kind_of == "date"):
            for day in NO_DAYS:
                values = [ARGUMENTS.get(kind_of, "'2025-12-19'") for kind_of in types]
                values[0] = special.get(name, values[0])
                values[place] = f"{day}::date"
                statement = f"{'CALL' if kind == 'p' else 'SELECT'} {name}({', '.join(values)})"
                with pytest.raises(psycopg.Error) as caught:
                    warehouse.execute(statement)
                assert caught.value.sqlstate == "WH004", (statement, caught.value)
    assert warehouse.rows("SELECT FROM pg_class WHERE relname LIKE '%%\\_p\\_%%'") == []
    assert warehouse.rows("SELECT FROM audit.pipeline_runs") == []


@pytest.mark.once
def test_a_run_of_a_year_that_cannot_be_says_so(warehouse: Warehouse) -> None:
    warehouse.landing.orders(date(1, 1, 1), orders(1, DAY))
    said, _ = (run := glue(warehouse, "run", "0001-01-01")).communicate(timeout=60)
    assert run.returncode == 1
    assert "needs a date, not 0001-01-01 (WH004)" in said

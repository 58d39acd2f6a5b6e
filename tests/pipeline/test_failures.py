"""A step that fails is seen while it runs and after, leaves the data as it was, and heals by calling it again.

Every error of the project's own (WH001 … WH013) is raised here or in test_gate_rules.py: its SQLSTATE, its words,
and that nothing else changed. What waits, is locked, dies or is told by PostgreSQL itself is tried on every version,
what we decide and say on one (once).
"""

import contextlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql.executors.noop import NoopExecutor

from tests.conftest import Warehouse, copy_of, new_warehouse
from tests.steps import DAY, SOMEBODY_WAITS, STEPS, Caller, data, locked, newest_step, put_day, refused, wait_for


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
def ran(landed: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The day, loaded."""
    with copy_of(landed, tmp_path_factory.mktemp("ran")) as made:
        made.call("warehouse.run_day", DAY)
        yield made


@pytest.fixture
def loaded(ran: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of it."""
    with copy_of(ran, tmp_path) as copy:
        yield copy


# -- what others see ---------------------------------------------------------------------------------


def test_a_step_is_seen_as_running_and_then_as_failed_and_heals(delivered: Warehouse) -> None:
    before = data(delivered)
    with locked(delivered, "staging.codes"):
        caller = Caller(delivered, f"CALL staging.clean_orders('{DAY}')")
        step = wait_for(
            lambda: delivered.rows(
                "SELECT * FROM audit.pipeline_steps WHERE step = 'clean_orders' AND status = 'running'"
            )
        )[0]
        assert step.backend_pid == caller.connection.info.backend_pid
        assert (step.ended_at, step.error_sqlstate) == (None, None)
        run = delivered.row("SELECT * FROM audit.pipeline_runs")
        assert (run.status, run.run_date, run.ended_at) == ("running", DAY, None)
        assert delivered.value("SELECT audit.step_is_alive(%s::bigint)", step.step_id)

        wait_for(lambda: delivered.rows(SOMEBODY_WAITS))
        delivered.execute("SELECT pg_cancel_backend(%s)", step.backend_pid)
        caller.join(20)
        assert caller.error is not None
        assert caller.error.sqlstate == "57014"
    step = newest_step(delivered)
    assert (step.status, step.error_sqlstate) == ("failed", "57014")
    assert step.error_message == "canceling statement due to user request"
    assert "audit._shared_input" in step.error_context  # the codes are asked for first to see whether they changed
    assert step.ended_at is not None
    run = delivered.row("SELECT * FROM audit.pipeline_runs")
    assert (run.status, run.error) == ("failed", "clean_orders: canceling statement due to user request")
    assert delivered.value("SELECT status FROM warehouse.daily_metrics") == "failed"
    assert data(delivered) == before

    delivered.call("staging.clean_orders", DAY)
    assert newest_step(delivered).status == "succeeded"
    run = delivered.row("SELECT * FROM audit.pipeline_runs")  # the same run, going on
    assert (run.status, run.error, run.ended_at) == ("running", None, None)
    assert delivered.value("SELECT count(*) FROM staging.orders_clean") == 20


def test_a_statement_timeout_is_a_recorded_failure(delivered: Warehouse) -> None:
    with locked(delivered, "staging.codes"):
        caller = Caller(delivered, f"CALL warehouse.run_day('{DAY}')", "SET statement_timeout = '500ms'")
        caller.join(20)
    assert caller.error is not None
    assert caller.error.sqlstate == "57014"
    step = newest_step(delivered)
    assert (step.step, step.status, step.error_sqlstate) == ("clean_orders", "failed", "57014")
    assert step.error_message == "canceling statement due to statement timeout"
    delivered.call("warehouse.run_day", DAY)
    assert delivered.value("SELECT status FROM warehouse.daily_metrics") == "succeeded"


def test_a_step_whose_session_died_is_told_from_a_living_one_and_heals(delivered: Warehouse) -> None:
    before = data(delivered)
    with locked(delivered, "staging.codes"):
        caller = Caller(delivered, f"CALL staging.clean_orders('{DAY}')")
        dead = wait_for(
            lambda: delivered.rows(
                "SELECT * FROM audit.pipeline_steps WHERE step = 'clean_orders' AND status = 'running'"
            )
        )[0]
        # Another step of the day does not take the living one for dead.
        delivered.call("staging.clean_products", DAY)
        assert delivered.value("SELECT status FROM audit.pipeline_steps WHERE step_id = %s", dead.step_id) == "running"
        wait_for(lambda: delivered.rows(SOMEBODY_WAITS))
        delivered.execute("SELECT pg_terminate_backend(%s)", dead.backend_pid)
        caller.join(20)
        assert caller.error is not None
    wait_for(lambda: not delivered.value("SELECT audit.step_is_alive(%s::bigint)", dead.step_id))
    assert delivered.value("SELECT status FROM audit.pipeline_steps WHERE step_id = %s", dead.step_id) == "running"
    after = data(delivered)
    assert {t: c for t, c in after.items() if "orders" in t} == {t: c for t, c in before.items() if "orders" in t}

    delivered.call("warehouse.run_day", DAY)
    step = delivered.row("SELECT * FROM audit.pipeline_steps WHERE step_id = %s", dead.step_id)
    assert (step.status, step.error_sqlstate) == ("failed", "08006")
    assert step.error_message == "the session that ran this step ended before the step did"
    assert delivered.value("SELECT status FROM audit.pipeline_runs ORDER BY run_id DESC LIMIT 1") == "succeeded"
    assert delivered.value("SELECT count(*) FROM audit.pipeline_steps WHERE status = 'running'") == 0
    assert delivered.value("SELECT count(*) FROM audit.pipeline_runs WHERE status = 'running'") == 0


def test_a_step_that_died_after_its_run_was_closed_is_set_right_too(loaded: Warehouse) -> None:
    with loaded.connect() as holder, holder.transaction():
        lock = "SELECT pg_advisory_xact_lock(warehouse._lock_class('reload_fact_events'), %s - date '2000-01-01')"
        holder.execute(lock, [DAY])
        caller = Caller(loaded, f"CALL warehouse.reload_fact_events('{DAY}')")
        wait_for(lambda: loaded.rows(SOMEBODY_WAITS))
        loaded.call("warehouse.compute_daily_metrics", DAY)
        loaded.call("staging.clean_orders", DAY)  # another run begins
        running = "SELECT step_id, backend_pid FROM audit.pipeline_steps WHERE status = 'running'"
        (left,) = loaded.rows(running)
        loaded.execute("SELECT pg_terminate_backend(%s)", left.backend_pid)
        caller.join(60)
    wait_for(lambda: not loaded.value("SELECT audit.step_is_alive(%s::bigint)", left.step_id))
    loaded.call("warehouse.run_day", DAY)
    assert loaded.rows(running) == []
    ended = "SELECT status, error_sqlstate FROM audit.pipeline_steps WHERE step_id = %s"
    assert loaded.row(ended, left.step_id) == ("failed", "08006")


def test_two_runs_of_a_day_at_once_both_succeed(delivered: Warehouse) -> None:
    callers = [Caller(delivered, f"CALL warehouse.run_day('{DAY}')") for _ in range(2)]
    for caller in callers:
        caller.join(60)
    assert [caller.error for caller in callers] == [None, None]
    assert delivered.value("SELECT count(*) FROM warehouse.fact_orders") == 20
    assert delivered.value("SELECT status FROM warehouse.daily_metrics") == "succeeded"
    assert delivered.rows("SELECT * FROM audit.pipeline_steps WHERE status <> 'succeeded'") == []


# One table per step that the step cannot do without: a CHECK on it makes the step fail as honestly as bad luck would.
BREAKS = {
    "staging.clean_orders": ("staging.orders_clean", "order_id <> 'O-2025-12-19-7'"),
    "staging.clean_events": ("staging.events_clean", "event_id <> 'E-2025-12-19-7'"),
    "staging.clean_products": ("staging.products_clean", "product_id <> 'P-3'"),
    "audit.check_quality": ("audit.dq_results", "rule_name <> 'products_age'"),
    "warehouse.load_dim_date": ("warehouse.dim_date", "date_id <> 20251225"),
    "warehouse.load_dim_user": ("warehouse.dim_user", "user_id <> 'U-3'"),
    "warehouse.load_dim_product": ("warehouse.dim_product", "product_id <> 'P-3'"),
    "warehouse.reload_fact_orders": ("warehouse.fact_orders", "order_id <> 'O-2025-12-19-7'"),
    "warehouse.reload_fact_events": ("warehouse.fact_events", "event_id <> 'E-2025-12-19-7'"),
}


def test_a_failing_step_changes_nothing_keeps_its_own_error_and_heals(delivered: Warehouse) -> None:
    """One step of the day after the other fails, and heals."""
    for step in STEPS:
        if step in BREAKS:
            table, condition = BREAKS[step]
            before = data(delivered)
            delivered.execute(f"ALTER TABLE {table} ADD CONSTRAINT made_to_fail CHECK ({condition})")
            with pytest.raises(psycopg.errors.CheckViolation) as raised:
                delivered.call("warehouse.run_day", DAY)
            # Not an error made again as text: code, constraint and table are those of the cause.
            assert raised.value.diag.constraint_name == "made_to_fail"
            recorded = newest_step(delivered)
            assert (recorded.step, recorded.status, recorded.error_sqlstate) == (step.split(".")[1], "failed", "23514")
            assert raised.value.diag.message_primary in recorded.error_message
            assert "PL/pgSQL function" in recorded.error_context
            assert data(delivered) == before
            assert delivered.value("SELECT status FROM warehouse.daily_metrics") == "failed"
            run = delivered.row("SELECT * FROM audit.pipeline_runs ORDER BY run_id DESC LIMIT 1")
            assert (run.status, run.error.split(": ")[0]) == ("failed", step.split(".")[1])
            delivered.execute(f"ALTER TABLE {table} DROP CONSTRAINT made_to_fail")
        delivered.call(step, DAY)
        assert newest_step(delivered).status == "succeeded"
    assert delivered.value("SELECT status FROM warehouse.daily_metrics") == "succeeded"
    assert delivered.value("SELECT count(*) FROM warehouse.fact_orders") == 20


def test_a_step_that_does_not_get_a_lock_is_tried_again_and_then_fails(delivered: Warehouse) -> None:
    delivered.execute("UPDATE audit.settings SET value = '3' WHERE name = 'step_attempts'")
    with locked(delivered, "staging.codes"), refused_by_postgres(delivered, "55P03"):
        delivered.execute("SET lock_timeout = '50ms'")
        delivered.call("staging.clean_orders", DAY)
    assert sum("trying again" in notice for notice in delivered.notices) == 2
    assert newest_step(delivered).error_sqlstate == "55P03"
    delivered.call("staging.clean_orders", DAY)
    assert newest_step(delivered).status == "succeeded"


@contextlib.contextmanager
def refused_by_postgres(warehouse: Warehouse, sqlstate: str) -> Iterator[None]:
    """Expect an error of PostgreSQL's own."""
    with pytest.raises(psycopg.Error) as raised:
        yield
    assert raised.value.sqlstate == sqlstate


def test_a_lock_that_comes_free_in_time_fails_nothing(delivered: Warehouse) -> None:
    with locked(delivered, "staging.codes"):
        caller = Caller(delivered, f"CALL staging.clean_orders('{DAY}')", "SET lock_timeout = '150ms'")
        wait_for(lambda: any("trying again" in notice for notice in delivered.notices))
    caller.join(20)
    assert caller.error is None
    assert newest_step(delivered).status == "succeeded"


@pytest.mark.once
def test_progress_is_a_notice_per_step(delivered: Warehouse) -> None:
    delivered.notices.clear()
    delivered.call("warehouse.run_day", DAY)
    steps = [notice.split()[0] for notice in delivered.notices]
    assert steps == [step.split(".")[1] for step in STEPS]
    assert delivered.notices[1].startswith("clean_orders 2025-12-19: 20 in, 20 out, 0 duplicate, 0 rejected, ")


# -- the project's own errors ------------------------------------------------------------------------

IN_TRANSACTION = [*STEPS, "warehouse.run_day"]


def says(raised: pytest.ExceptionInfo[psycopg.Error], sqlstate: str, message: str) -> psycopg.errors.Diagnostic:
    """See that an error is this one, with a hint; return all that it says."""
    assert (raised.value.sqlstate, raised.value.diag.message_primary) == (sqlstate, message)
    assert raised.value.diag.message_hint
    return raised.value.diag


def test_wh003_inside_a_transaction_a_step_says_how_to_call_it(delivered: Warehouse) -> None:
    before = data(delivered)
    connection = delivered.connect()
    connection.autocommit = False
    for procedure in IN_TRANSACTION:
        for call in (f"CALL {procedure}('{DAY}')", f"CALL {procedure}(%s)"):  # the simple protocol, and the extended
            with pytest.raises(psycopg.Error) as raised:
                connection.execute(call, [DAY] if "%s" in call else None)
            said = says(raised, "WH003", f"{called(procedure)} was called inside a transaction")
            assert "autocommit=True" in (said.message_hint or "")
            assert said.message_detail
            connection.rollback()
    assert delivered.rows("SELECT * FROM audit.pipeline_runs") == []
    assert data(delivered) == before


def called(procedure: str) -> str:
    """Return the step that a procedure begins with."""
    return "open_run" if procedure == "warehouse.run_day" else procedure.split(".")[1]


@pytest.mark.once
def test_wh003_a_range_inside_a_transaction_too(delivered: Warehouse) -> None:
    connection = delivered.connect()
    with refused(delivered, "WH003", "open_run was called inside a transaction"), connection.transaction():
        connection.execute("CALL warehouse.run_range(%s, %s)", [DAY, DAY])


def test_a_step_runs_with_bound_parameters_and_without(delivered: Warehouse) -> None:
    delivered.execute(f"CALL warehouse.run_day('{DAY}')")
    assert delivered.value("SELECT status FROM warehouse.daily_metrics") == "succeeded"
    delivered.execute("DELETE FROM audit.step_inputs")
    delivered.connection.execute("CALL warehouse.run_day(%s)", [DAY], prepare=True)
    assert delivered.rows("SELECT status FROM audit.pipeline_runs") == [("succeeded",), ("succeeded",)]


@pytest.mark.once
def test_wh004_a_step_needs_a_date(warehouse: Warehouse) -> None:
    before = data(warehouse)
    for procedure in IN_TRANSACTION:
        for day in ("NULL", "infinity", "-infinity"):
            with pytest.raises(psycopg.Error) as raised:
                warehouse.execute(f"CALL {procedure}({day if day == 'NULL' else repr(day)})")
            says(raised, "WH004", f"{called(procedure)} needs a date, not {day}")
    assert warehouse.rows("SELECT * FROM audit.pipeline_runs") == []
    assert data(warehouse) == before


@pytest.mark.once
def test_wh004_a_range_needs_two_dates_in_order(warehouse: Warehouse) -> None:
    for dates in ("NULL, '2025-12-19'", "'2025-12-19', NULL", "'2025-12-19', '2025-12-18'"):
        with refused(warehouse, "WH004", "a range needs a first and a last date, in this order"):
            warehouse.execute(f"CALL warehouse.run_range({dates})")


@pytest.mark.once
def test_wh004_a_delivery_needs_all_that_tells_it_apart(warehouse: Warehouse) -> None:
    message = "a delivery needs a source (orders, events, products), a date, a name and a sha256"
    for values in (["clicks", DAY, "f", "0" * 64], ["orders", None, "f", "0" * 64], [None, DAY, "f", "0"]):
        with refused(warehouse, "WH004", message):
            warehouse.execute("SELECT raw.open_load(%s, %s, %s, %s)", *values)
    with refused(warehouse, "WH004", "a month needs a date, not NULL"):
        warehouse.execute("SELECT raw.prepare_month(NULL)")
    with refused(warehouse, "WH004", "warehouse.fact_orders is not a table of staging"):
        warehouse.execute("SELECT staging.duplicate_count('warehouse.fact_orders', '2025-12-19')")


def test_wh006_a_swap_that_does_not_get_its_locks_names_who_holds_them(loaded: Warehouse) -> None:
    loaded.execute("UPDATE audit.settings SET value = '3' WHERE name = 'swap_attempts'")
    loaded.execute("UPDATE audit.settings SET value = '10' WHERE name IN ('swap_lock_timeout_ms', 'swap_pause_ms')")
    put_day(loaded, quantity=5)
    for step in STEPS[:8]:
        loaded.call(step, DAY)
    reader = loaded.connect()
    with reader.transaction():
        reader.execute("SELECT count(*) FROM warehouse.fact_orders")
        message = "swap of warehouse.fact_orders_p_2025_12_19: the tables stayed in use"
        with refused(loaded, "WH006", message) as raised:
            loaded.call("warehouse.reload_fact_orders", DAY)
        holders = f"Held by the sessions with pid {reader.info.backend_pid}: postgres (-). Nothing was changed."
        assert raised.value.diag.message_detail == holders
        assert reader.execute("SELECT sum(quantity) FROM warehouse.fact_orders").fetchone()[0] == 40
    assert newest_step(loaded).error_sqlstate == "WH006"
    loaded.call("warehouse.run_day", DAY)
    assert loaded.value("SELECT sum(quantity) FROM warehouse.fact_orders") == 100


@pytest.mark.once
def test_wh007_a_day_whose_raw_is_gone_keeps_its_staging_and_facts(loaded: Warehouse) -> None:
    loaded.execute("UPDATE audit.settings SET value = '1' WHERE name = 'raw_keep_days'")
    loaded.call("warehouse.compact_partitions", date(2026, 2, 1))
    loaded.execute("UPDATE audit.settings SET value = NULL WHERE name = 'raw_keep_days'")
    for step, source in (("clean_orders", "orders"), ("clean_events", "events"), ("clean_products", "products")):
        with refused(loaded, "WH007", f"the raw {source} of 2025-12-19 are gone"):
            loaded.call(f"staging.{step}", DAY)


@pytest.mark.once
def test_wh009_a_range_goes_on_and_names_the_days_that_did_not_succeed(warehouse: Warehouse) -> None:
    days = [DAY + timedelta(n) for n in range(4)]
    for day in days:
        put_day(warehouse, day)
    warehouse.landing.events(days[1], [])
    warehouse.deliver(days[1])
    warehouse.execute("ALTER TABLE staging.orders_clean ADD CONSTRAINT made_to_fail CHECK (load_date <> '2025-12-21')")
    with pytest.raises(psycopg.Error) as raised:
        warehouse.call("warehouse.run_range", date(2025, 1, 1), date(2026, 1, 1))
    assert raised.value.sqlstate == "WH009"
    assert raised.value.diag.message_primary == "2 of 4 days did not succeed"
    first, second = raised.value.diag.message_detail.splitlines()
    assert first == "2025-12-20: 2025-12-20 is blocked by the quality gate (WH001)"
    assert second.startswith("2025-12-21: ")
    assert second.endswith("(23514)")
    statuses = warehouse.rows("SELECT run_date, status FROM warehouse.daily_metrics ORDER BY run_date")
    assert [row.status for row in statuses] == ["succeeded", "blocked", "failed", "succeeded"]


@pytest.mark.once
def test_a_range_runs_the_days_that_raw_holds_and_no_others(warehouse: Warehouse) -> None:
    for day in (DAY, DAY + timedelta(2)):
        put_day(warehouse, day)
    warehouse.call("warehouse.run_range", DAY - timedelta(9), DAY + timedelta(9))
    assert warehouse.value("SELECT array_agg(run_date ORDER BY run_date) FROM warehouse.daily_metrics") == [
        DAY, DAY + timedelta(2),
    ]  # fmt: skip
    warehouse.call("warehouse.run_range", date(1990, 1, 1), date(1990, 1, 2))


RAW_TABLES = ("file_loads", "orders_json", "events_csv", "products_json", "rejected_lines")


def test_wh010_raw_is_immutable_for_everybody(delivered: Warehouse) -> None:
    before = data(delivered)
    for connection in (delivered.connection, delivered.connect("warehouse_owner")):
        for table in [*RAW_TABLES, *[f"{table}_p_2025_12" for table in RAW_TABLES if table != "file_loads"]]:
            for operation, statement in (
                ("UPDATE", f"UPDATE raw.{table} SET run_date = run_date"),
                ("DELETE", f"DELETE FROM raw.{table}"),
                ("TRUNCATE", f"TRUNCATE raw.{table}"),
            ):
                with pytest.raises(psycopg.Error) as raised:
                    connection.execute(statement)  # type: ignore[call-overload]
                assert says(raised, "WH010", f"raw.{table} is immutable: {operation} refused").message_detail
    assert data(delivered) == before


@pytest.mark.once
def test_wh011_the_gate_judges_only_what_was_cleaned(delivered: Warehouse) -> None:
    with refused(delivered, "WH011", "the orders of 2025-12-19 were not cleaned"):
        delivered.call("audit.check_quality", DAY)
    delivered.call("staging.clean_orders", DAY)
    with refused(delivered, "WH011", "the events of 2025-12-19 were not cleaned"):
        delivered.call("audit.check_quality", DAY)


@pytest.mark.once
@pytest.mark.parametrize("missing", ["load_dim_date", "load_dim_user", "load_dim_product"])
def test_wh011_facts_wait_for_their_dimensions(delivered: Warehouse, missing: str) -> None:
    for step in STEPS[:8]:
        if not step.endswith(missing):
            delivered.call(step, DAY)
    facts = ("warehouse.reload_fact_orders", "warehouse.reload_fact_events")
    for step in facts:
        with refused(delivered, "WH011", "the dimensions do not cover the staging of 2025-12-19"):
            delivered.call(step, DAY)
        assert newest_step(delivered).error_sqlstate == "WH011"
    delivered.call(f"warehouse.{missing}", DAY)
    for step in facts:
        delivered.call(step, DAY)


@pytest.mark.once
@pytest.mark.parametrize("source", ["orders", "events", "products"])
def test_wh012_raw_that_does_not_hold_what_its_deliveries_say(delivered: Warehouse, source: str) -> None:
    table = {"orders": "orders_json", "events": "events_csv", "products": "products_json"}[source]
    count = delivered.value(f"SELECT count(*) FROM raw.{table}")
    columns = "load_id, run_date, line_number, " + ("event_id" if source == "events" else "raw_json")
    delivered.execute(
        f"INSERT INTO raw.{table} ({columns}) SELECT load_id, %s, 9999, '{{}}' FROM raw.file_loads WHERE source = %s",
        DAY, source,
    )  # fmt: skip
    message = f"raw holds {count + 1} rows of the {source} of 2025-12-19, its deliveries say {count}"
    with refused(delivered, "WH012", message) as raised:
        delivered.call(f"staging.clean_{source}", DAY)
    assert raised.value.diag.message_detail.startswith("Deliveries: ")


@pytest.mark.once
def test_wh012_the_day_is_not_done_before_its_facts_are_loaded(delivered: Warehouse) -> None:
    for step in STEPS[:8]:
        delivered.call(step, DAY)
    for source in ("events", "orders"):
        with refused(delivered, "WH012", f"not all clean {source} of 2025-12-19 are in the facts") as raised:
            delivered.call("warehouse.compute_daily_metrics", DAY)
        assert raised.value.diag.message_detail == "Clean 20, facts 0, superseded by other loads 0."
        assert raised.value.diag.message_hint == f"CALL warehouse.reload_fact_{source}('2025-12-19');"
        assert delivered.value("SELECT status FROM warehouse.daily_metrics") == "failed"
        delivered.call(f"warehouse.reload_fact_{source}", DAY)
    delivered.call("warehouse.compute_daily_metrics", DAY)
    assert delivered.value("SELECT status FROM warehouse.daily_metrics") == "succeeded"


@pytest.mark.once
@pytest.mark.parametrize("source", ["events", "orders"])
def test_wh012_a_fact_that_somebody_took_away_is_missed(delivered: Warehouse, source: str) -> None:
    for step in STEPS[:-1]:
        delivered.call(step, DAY)
    facts = f"warehouse.fact_{source}"
    delivered.execute(f"DELETE FROM {facts} WHERE ctid = (SELECT min(ctid) FROM {facts})")
    with refused(delivered, "WH012", f"not all clean {source} of 2025-12-19 are in the facts") as raised:
        delivered.call("warehouse.compute_daily_metrics", DAY)
    assert raised.value.diag.message_detail == "Clean 20, facts 19, superseded by other loads 0."


@pytest.mark.once
def test_runs_are_joined_retried_and_opened_as_the_design_says(delivered: Warehouse) -> None:

    def runs() -> list[str]:
        return [row.status for row in delivered.rows("SELECT status FROM audit.pipeline_runs ORDER BY run_id")]

    delivered.call("audit.open_run", DAY)
    delivered.call("audit.open_run", DAY)  # the retry of a task
    assert runs() == ["running"]
    for step in STEPS[1:]:
        delivered.call(step, DAY)
    assert runs() == ["succeeded"]
    assert delivered.value("SELECT triggered_by FROM audit.pipeline_runs").startswith("postgres")
    delivered.call("staging.clean_orders", DAY)  # a step after the end of a run opens another
    assert runs() == ["succeeded", "running"]
    delivered.call("audit.open_run", DAY)  # so does a new run, when the one before was given up
    assert runs() == ["succeeded", "failed", "running"]
    given_up = "SELECT ended_at FROM audit.pipeline_runs WHERE error = 'given up: a new run of the day was opened'"
    assert delivered.value(given_up)


@pytest.mark.once
def test_run_day_joins_the_run_that_waits_for_it_whatever_other_days_did(loaded: Warehouse) -> None:
    next_day = DAY + timedelta(days=1)
    put_day(loaded, next_day)
    loaded.call("audit.open_run", next_day)
    loaded.call("warehouse.run_day", next_day)
    steps = "SELECT count(*) FROM audit.pipeline_steps WHERE step = 'open_run'"
    assert (loaded.value("SELECT count(*) FROM audit.pipeline_runs"), loaded.value(steps)) == (2, 2)


@pytest.mark.once
def test_a_run_whose_step_failed_stays_failed_whatever_ends_well_beside_it(delivered: Warehouse) -> None:
    delivered.call("audit.open_run", DAY)
    delivered.execute(
        "ALTER TABLE staging.orders_clean ADD CONSTRAINT made_to_fail CHECK (order_id <> 'O-2025-12-19-7')"
    )
    with pytest.raises(psycopg.errors.CheckViolation):
        delivered.call("staging.clean_orders", DAY)
    failed = delivered.row("SELECT status, error FROM audit.pipeline_runs")
    assert (failed.status, failed.error.partition(":")[0]) == ("failed", "clean_orders")
    delivered.call("staging.clean_events", DAY)
    delivered.call("staging.clean_products", DAY)
    assert delivered.row("SELECT status, error FROM audit.pipeline_runs") == failed
    assert delivered.value("SELECT raw_events_count FROM warehouse.daily_metrics") == 20

    delivered.execute("ALTER TABLE staging.orders_clean DROP CONSTRAINT made_to_fail")
    for step in STEPS[1:]:
        delivered.call(step, DAY)
    assert delivered.row("SELECT status, error FROM audit.pipeline_runs") == ("succeeded", None)


# -- extracts, which are done by a client ------------------------------------------------------------


def extract(warehouse: Warehouse, source: str) -> int:
    """Begin an extract."""
    return int(warehouse.value("SELECT raw.begin_extract(%s, %s)", source, DAY))


def end_extract(warehouse: Warehouse, step_id: int, sqlstate: str | None = None, message: str | None = None) -> None:
    """End it."""
    warehouse.execute("SELECT raw.end_extract(%s, 9, 8, 1, %s, %s)", step_id, sqlstate, message)


@pytest.mark.once
def test_an_extract_is_a_step_of_the_run_that_was_opened_and_run_day_goes_on_with_it(delivered: Warehouse) -> None:
    delivered.call("audit.open_run", DAY)
    for source in ("orders", "events", "products"):
        step_id = extract(delivered, source)
        assert delivered.value("SELECT audit.step_is_alive(%s::bigint)", step_id)
        assert newest_step(delivered).status == "running"
        end_extract(delivered, step_id)
        assert not delivered.value("SELECT audit.step_is_alive(%s::bigint)", step_id)
    step = newest_step(delivered)
    assert (step.step, step.status, step.rows_in, step.rows_out, step.rows_rejected) == (
        "extract_products", "succeeded", 9, 8, 1,
    )  # fmt: skip
    delivered.call("warehouse.run_day", DAY)
    assert delivered.value("SELECT status FROM audit.pipeline_runs") == "succeeded"
    steps = delivered.value("SELECT array_agg(step ORDER BY step_id) FROM audit.pipeline_steps")
    assert steps == [
        "open_run", "extract_orders", "extract_events", "extract_products",
        *(step.split(".")[1] for step in STEPS[1:]),
    ]  # fmt: skip


@pytest.mark.once
@pytest.mark.parametrize("source", ["orders", "events"])
def test_a_failed_extract_ends_its_run_and_a_retry_sets_it_going_again(warehouse: Warehouse, source: str) -> None:
    warehouse.call("audit.open_run", DAY)
    end_extract(warehouse, extract(warehouse, source), "58030", "no such bucket\nlook there")
    run = warehouse.row("SELECT * FROM audit.pipeline_runs")
    assert (run.status, run.error) == ("failed", f"extract_{source}: no such bucket\nlook there")
    assert warehouse.value("SELECT status FROM warehouse.daily_metrics") == "failed"
    end_extract(warehouse, extract(warehouse, source))
    assert warehouse.row("SELECT status, error FROM audit.pipeline_runs") == ("running", None)


@pytest.mark.once
def test_a_failed_extract_of_products_is_recorded_and_its_run_goes_on(delivered: Warehouse) -> None:
    delivered.call("audit.open_run", DAY)
    end_extract(delivered, extract(delivered, "products"), "58030", "the API is down")
    assert delivered.row("SELECT status, error FROM audit.pipeline_runs") == ("running", None)
    delivered.call("warehouse.run_day", DAY)
    assert delivered.row("SELECT status, error FROM audit.pipeline_runs") == ("succeeded", None)
    steps = delivered.rows("SELECT step, error_message FROM audit.pipeline_steps WHERE status = 'failed'")
    assert steps == [("extract_products", "the API is down")]


def test_an_extract_whose_session_died_is_told_from_a_living_one(warehouse: Warehouse) -> None:
    dying = warehouse.connect("warehouse_loader")
    (step_id,) = dying.execute("SELECT raw.begin_extract('orders', %s)", [DAY]).fetchone()
    again = extract(warehouse, "orders")  # by another session, while the first lives
    assert warehouse.value("SELECT status FROM audit.pipeline_steps WHERE step_id = %s", step_id) == "running"
    end_extract(warehouse, again)
    dying.close()
    wait_for(lambda: not warehouse.value("SELECT audit.step_is_alive(%s::bigint)", step_id))
    warehouse.call("audit.open_run", DAY)
    step = warehouse.row("SELECT status, error_sqlstate FROM audit.pipeline_steps WHERE step_id = %s", step_id)
    assert step == ("failed", "08006")


@pytest.mark.once
def test_an_extract_that_its_own_session_did_not_end_is_over_when_that_begins_another_step(
    warehouse: Warehouse,
) -> None:
    step_id = extract(warehouse, "orders")
    warehouse.call("audit.open_run", DAY)
    step = warehouse.row("SELECT status, error_sqlstate FROM audit.pipeline_steps WHERE step_id = %s", step_id)
    assert step == ("failed", "08006")


@pytest.mark.once
def test_an_extract_is_of_a_source_and_a_day_and_ended_by_who_began_it(warehouse: Warehouse) -> None:
    words = "an extract needs a source (orders, events, products) and a date"
    for source, day in (("users", DAY), (None, DAY), ("orders", None)):
        with refused(warehouse, "WH004", words):
            warehouse.execute("SELECT raw.begin_extract(%s, %s::date)", source, day)
    with refused(warehouse, "WH004", "an extract needs a date, not infinity"):
        warehouse.execute("SELECT raw.begin_extract('orders', 'infinity')")
    step_id = extract(warehouse, "orders")
    warehouse.call("audit.open_run", DAY)
    other = warehouse.connect("warehouse_loader")
    for wrong in (step_id, step_id + 1, 999):  # another session's, a step that is no extract, and none at all
        with pytest.raises(psycopg.Error) as raised:
            other.execute("SELECT raw.end_extract(%s, 0, 0, 0, NULL, NULL)", [wrong])
        assert raised.value.sqlstate == "WH004"
        assert "is not run by this session" in str(raised.value)

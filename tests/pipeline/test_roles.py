"""Who may do what, and that a run does not depend on who runs it, from where, and with which settings."""

import os
import subprocess
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from embedded.server import EmbeddedServer
from tests.conftest import Warehouse
from tests.shop import event, events, order, orders, product
from tests.steps import STEPS

DAY = date(2025, 12, 19)


def put_day(warehouse: Warehouse, day: date = DAY) -> None:
    """Put a day into raw, with times near midnight and every kind of order."""
    warehouse.landing.orders(
        day,
        [
            *orders(20, day),
            order("late", day, timestamp=f"{day}T00:30:00+02:00", signup_date="2024-05-01T23:30:00-05:00"),
            order("bare", day, timestamp=f"{day}T23:59:59"),
            order("bad", day, quantity=0),
        ],
    )
    warehouse.landing.events(day, [*events(20, day), event("E-late", day, event_ts=f"{day}T00:30:00+02:00")])
    warehouse.landing.products(day, [product("P-1"), product("P-2")])
    warehouse.deliver(day)


def forbidden(connection: psycopg.Connection[Any], *statements: str) -> None:
    """Expect each statement to be refused for lack of a privilege."""
    for statement in statements:
        with pytest.raises(InsufficientPrivilege):
            connection.execute(statement)  # type: ignore[arg-type]


# -- psql --------------------------------------------------------------------------------------------


def psql(
    warehouse: Warehouse, server: EmbeddedServer, *commands: str, role: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run commands in plain psql, with nothing but the database."""
    options = [argument for command in commands for argument in ("--command", command)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    if role:
        environment["PGOPTIONS"] = f"-c role={role}"
    return subprocess.run(
        [server.binaries() / "psql", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", *options, warehouse.dsn],
        env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("role", [None, "warehouse_runner", "warehouse_owner"])
def test_run_day_needs_nothing_but_psql_and_the_database(
    warehouse: Warehouse, server: EmbeddedServer, role: str | None
) -> None:
    put_day(warehouse)
    done = psql(warehouse, server, f"CALL warehouse.run_day('{DAY}')", role=role)
    assert done.returncode == 0, done.stderr
    assert "clean_orders 2025-12-19: 23 in, 22 out, 0 duplicate, 1 rejected" in done.stderr
    assert warehouse.value("SELECT status FROM warehouse.daily_metrics") == "succeeded"
    assert warehouse.value("SELECT count(*) FROM warehouse.fact_orders") == 22


@pytest.mark.parametrize("role", [None, "warehouse_runner"])
def test_each_step_alone_needs_nothing_but_psql_and_the_database(
    warehouse: Warehouse, server: EmbeddedServer, role: str | None
) -> None:
    put_day(warehouse)
    for step in STEPS:
        done = psql(warehouse, server, f"CALL {step}('{DAY}')", role=role)
        assert done.returncode == 0, done.stderr
    assert warehouse.value("SELECT array_agg(step ORDER BY step_id) FROM audit.pipeline_steps") == [
        step.split(".")[1] for step in STEPS
    ]
    assert warehouse.value("SELECT status FROM audit.pipeline_runs") == "succeeded"
    done = psql(warehouse, server, f"CALL warehouse.run_range('{DAY}', '{DAY}')", role=role)
    assert done.returncode == 0, done.stderr


def test_a_day_is_let_through_from_psql(warehouse: Warehouse, server: EmbeddedServer) -> None:
    warehouse.landing.orders(DAY, orders(3, DAY))
    warehouse.deliver(DAY)
    run, allow = f"CALL warehouse.run_day('{DAY}')", f"CALL audit.allow_day('{DAY}', 'no clicks')"
    blocked = psql(warehouse, server, run, role="warehouse_runner")
    assert blocked.returncode == 1
    assert "2025-12-19 is blocked by the quality gate" in blocked.stderr
    assert "events_volume: observed 0, allowed at least 1" in blocked.stderr
    assert "CALL audit.allow_day('2025-12-19', 'reason')" in blocked.stderr
    done = psql(warehouse, server, allow, run, role="warehouse_runner")
    assert done.returncode == 0, done.stderr
    assert warehouse.value("SELECT count(*) FROM warehouse.fact_orders") == 3


def test_psql_inside_a_transaction_says_how_to_call_it(warehouse: Warehouse, server: EmbeddedServer) -> None:
    put_day(warehouse)
    done = psql(warehouse, server, "BEGIN", f"CALL warehouse.run_day('{DAY}')")
    assert done.returncode == 1
    assert "was called inside a transaction" in done.stderr
    assert "without BEGIN" in done.stderr
    # Two statements in one string are a transaction, too.
    done = psql(warehouse, server, f"SELECT 1; CALL warehouse.run_day('{DAY}')")
    assert "was called inside a transaction" in done.stderr
    assert warehouse.rows("SELECT * FROM audit.pipeline_runs") == []


# -- roles -------------------------------------------------------------------------------------------


def test_the_loader_adds_to_raw_and_does_nothing_else(warehouse: Warehouse) -> None:
    put_day(warehouse)
    loader = warehouse.connect("warehouse_loader")
    loader.execute("SELECT raw.prepare_month('2025-11-05')")
    with loader.transaction():
        load_id = loader.execute("SELECT raw.open_load('orders', %s, 'x.json', %s)", [DAY, "1" * 64]).fetchone()[0]
        columns = "(load_id, run_date, line_number, raw_json)"
        with loader.cursor().copy(f"COPY raw.orders_json {columns} FROM STDIN") as copy:
            copy.write_row((load_id, DAY, 1, '{"order_id": "x"}'))
        values = [load_id, "orders", DAY, "x.json", "1" * 64, 9, 1, 0, None]
        loader.execute("SELECT raw.close_load(%s, %s, %s, %s, %s, %s, %s, %s, %s)", values)
    loader.execute("SELECT raw.summarize_month(%s)", [DAY])
    assert warehouse.value("SELECT count(*) FROM raw.orders_json WHERE load_id = %s", load_id) == 1

    forbidden(
        loader,
        "SELECT * FROM raw.orders_json", "UPDATE raw.orders_json SET run_date = run_date", "DELETE FROM raw.events_csv",
        "TRUNCATE raw.orders_json", "TRUNCATE raw.orders_json_p_2025_12", "DROP TABLE raw.orders_json_p_2025_12",
        "INSERT INTO raw.file_loads (load_id) VALUES (1)", "INSERT INTO raw.orders_json_p_2025_12 (load_id) VALUES (1)",
        "CREATE TABLE raw.x (y integer)", "SELECT * FROM staging.orders_clean", "SELECT * FROM warehouse.fact_orders",
        "SELECT * FROM audit.pipeline_runs", f"CALL warehouse.run_day('{DAY}')", f"CALL audit.allow_day('{DAY}', 'x')",
        "SELECT raw._deliveries_in_force('orders', '2025-12-19')",
    )  # fmt: skip


def test_glue_works_as_the_loader(warehouse: Warehouse) -> None:
    from glue.extract import extract

    dsn = psycopg.conninfo.make_conninfo(warehouse.dsn, options="-c role=warehouse_loader")
    warehouse.landing.orders(DAY, orders(30, DAY))
    warehouse.landing.events(DAY, events(30, DAY))
    for source in ("orders", "events"):
        extract(source, DAY, dsn=dsn, landing=str(warehouse.landing.folder))
    warehouse.landing.put("orders", DAY, "bad.ndjson", "{\n")
    warehouse.landing.put("orders", DAY, "refused.json", "[{")
    extract("orders", DAY, dsn=dsn, landing=str(warehouse.landing.folder))
    assert warehouse.value("SELECT count(*) FROM raw.file_loads") == 4
    warehouse.call("warehouse.run_day", DAY)


def test_the_runner_runs_everything_and_changes_nothing_by_hand(warehouse: Warehouse) -> None:
    put_day(warehouse)
    runner = warehouse.connect("warehouse_runner")
    runner.execute(f"CALL warehouse.run_day('{DAY}')")
    runner.execute("CALL warehouse.run_range(%s, %s)", [DAY, DAY])
    # A changed day, so that rows are written in place and a partition is swapped, too.
    warehouse.landing.orders(DAY, orders(18, DAY, quantity=3))
    warehouse.deliver(DAY)
    runner.execute(f"CALL warehouse.run_day('{DAY}')")
    for step in STEPS:
        runner.execute(f"CALL {step}('{DAY}')")  # type: ignore[arg-type]
    for schema in ("raw", "staging", "warehouse", "audit"):
        tables = warehouse.rows(
            "SELECT c.oid::regclass::text AS name, c.relkind::text FROM pg_class c"
            " WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition",
            schema,
        )
        for table in tables:
            if table.name == "audit.erased_users":
                forbidden(runner, f"SELECT FROM {table.name}")
                continue
            runner.execute(f"SELECT * FROM {table.name} LIMIT 1")
            forbidden(runner, f"TRUNCATE {table.name}" if table.relkind != "v" else f"DROP VIEW {table.name}")
            assert not warehouse.value(
                "SELECT has_table_privilege('warehouse_runner', %s, 'INSERT, UPDATE, DELETE')", table.name
            )
    forbidden(
        runner,
        "UPDATE warehouse.fact_orders SET revenue = 0",
        "INSERT INTO staging.codes VALUES ('order_status', 'x', 'paid')",
        "UPDATE audit.dq_rules SET enabled = false", "UPDATE audit.settings SET value = NULL",
        "DROP TABLE warehouse.fact_orders_p_2025_12_19", "CREATE TABLE warehouse.x (y integer)",
        "SELECT raw.prepare_month('2025-11-05')", "SELECT audit._evaluate('SELECT 1', NULL)",
        "SELECT warehouse._build_day('warehouse.fact_orders', '2025-12-20', 'SELECT 1')",
    )  # fmt: skip


def test_the_analyst_reads_warehouse_and_audit_with_new_partitions_and_makes_views_in_marts(
    warehouse: Warehouse,
) -> None:
    put_day(warehouse)
    warehouse.call("warehouse.run_day", DAY)
    analyst = warehouse.connect("warehouse_analyst")
    analyst.execute("SET search_path = marts, public")  # as a login of an analyst's has it
    analyst.execute("CREATE VIEW daily_revenue AS SELECT load_date, sum(revenue) FROM warehouse.fact_orders GROUP BY 1")
    analyst.execute("CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM warehouse.fact_events")
    assert warehouse.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'marts'::regnamespace") == 2
    later = DAY + timedelta(1)
    put_day(warehouse, later)
    warehouse.call("warehouse.run_day", later)
    assert analyst.execute("SELECT count(*) FROM daily_revenue").fetchone()[0] == 2
    for schema in ("warehouse", "audit"):
        tables = warehouse.rows(
            "SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relnamespace = %s::regnamespace"
            " AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition",
            schema,
        )
        assert len(tables) > 5
        for table in tables:
            if table.name == "audit.erased_users":
                forbidden(analyst, f"SELECT FROM {table.name}")
                continue
            analyst.execute(f"SELECT * FROM {table.name} LIMIT 1")
    forbidden(
        analyst,
        "SELECT * FROM raw.orders_json", "SELECT * FROM raw.orders_json_p_2025_12", "SELECT * FROM raw.file_loads",
        "SELECT * FROM staging.orders_clean", "DELETE FROM warehouse.fact_orders",
        "UPDATE audit.dq_rules SET enabled = false",
        "CREATE VIEW warehouse.x AS SELECT 1", "CREATE VIEW audit.x AS SELECT 1", f"CALL warehouse.run_day('{DAY}')",
        f"CALL audit.allow_day('{DAY}', 'x')", "SELECT audit._evaluate('SELECT 1', NULL)",
    )  # fmt: skip


def test_a_view_of_an_analyst_does_not_stop_a_reload(warehouse: Warehouse) -> None:
    put_day(warehouse)
    warehouse.call("warehouse.run_day", DAY)
    warehouse.connect("warehouse_analyst").execute("CREATE VIEW marts.sold AS SELECT * FROM warehouse.fact_orders")
    warehouse.landing.orders(DAY, orders(18, DAY, quantity=3))
    warehouse.run(DAY)
    assert warehouse.value("SELECT count(*) FROM marts.sold") == 18


def test_the_checker_reads_staging_and_warehouse_and_nothing_else(warehouse: Warehouse) -> None:
    put_day(warehouse)
    warehouse.call("warehouse.run_day", DAY)
    checker = warehouse.connect("warehouse_checker")
    for table in ("staging.orders_clean", "staging.loads", "warehouse.fact_orders", "warehouse.dim_product"):
        checker.execute(f"SELECT * FROM {table} LIMIT 1")
    forbidden(
        checker,
        "SELECT * FROM raw.orders_json", "SELECT * FROM audit.dq_rules", "DELETE FROM staging.orders_clean",
        "UPDATE warehouse.dim_user SET city = NULL", "CREATE TABLE audit.x (y integer)",
        f"CALL warehouse.run_day('{DAY}')",
    )  # fmt: skip


def test_nobody_without_a_role_can_do_anything(warehouse: Warehouse) -> None:
    put_day(warehouse)
    warehouse.execute("DO $$ BEGIN CREATE ROLE stranger; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    stranger = warehouse.connect("stranger")
    forbidden(
        stranger,
        "SELECT * FROM warehouse.fact_orders", "SELECT * FROM audit.pipeline_runs",
        "SELECT raw.prepare_month('2025-11-05')",
        f"CALL warehouse.run_day('{DAY}')", "SELECT * FROM raw.file_loads", "CREATE VIEW marts.x AS SELECT 1",
    )  # fmt: skip

"""Steps and sources are rows: what reads them, and what else names them says the same."""

import re
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from glue.extract import SOURCES
from glue.run import WAVES
from ops.migrate import PROCEDURES
from tests.conftest import Warehouse
from tests.promises import RULES_OFF
from tests.shop import event, order, orders, product
from tests.steps import ORDER_OF_TASKS, steps_that_work

DAY = date(2025, 12, 19)
DAG = Path(__file__).resolve().parents[2] / "dags" / "ecomm_warehouse_daily.py"


def test_every_step_has_its_procedure_and_its_worker(warehouse: Warehouse) -> None:
    workers = """
        SELECT p.pronamespace::regnamespace || '.' || p.proname AS name FROM pg_proc p
        WHERE p.prorettype = 'audit.step_result'::regtype AND p.pronargs = 1 AND p.proargtypes[0] = 'date'::regtype"""
    steps = warehouse.rows("SELECT * FROM audit.steps ORDER BY position")
    assert {row.name for row in warehouse.rows(workers)} == {step.worker for step in steps if step.worker}
    for step in steps:
        if step.procedure:
            assert step.procedure.endswith(f".{step.step}")
            text = (PROCEDURES / f"{step.procedure.replace('.', '/')}.sql").read_text()
            assert f"CALL audit._run_step('{step.step}', load_date, v_failure)" in text
        else:
            assert step.step == f"extract_{step.source}"
    assert [step.wave for step in steps] == sorted(step.wave for step in steps)


def test_the_sources_of_glue_are_those_of_the_warehouse(warehouse: Warehouse) -> None:
    assert tuple(row.source for row in warehouse.rows("SELECT source FROM raw.sources ORDER BY position")) == SOURCES
    for source in warehouse.rows("SELECT * FROM raw.sources"):
        warehouse.execute(f"SELECT {source.raw_id} FROM {source.raw_table}")
        warehouse.execute(f"SELECT {', '.join(source.key_columns)} FROM {source.staging_table}")
        warehouse.execute(f"SELECT {source.sample} AS sample FROM {source.staging_table}")


def test_the_dag_has_the_steps_of_the_warehouse_in_their_order(warehouse: Warehouse) -> None:
    """Without Airflow: by its text."""
    text = DAG.read_text()
    steps = warehouse.rows("SELECT step, procedure FROM audit.steps ORDER BY position")
    assert re.findall(r'\bstep\(\s*"([\w.]+)"', text) == [step.procedure for step in steps if step.procedure]
    assert re.findall(r'task_id="(\w+)"', text) == [*(step.step for step in steps if not step.procedure), "end_of_day"]


def test_what_waits_for_what_in_the_dag_is_what_the_waves_say(warehouse: Warehouse) -> None:
    """ORDER_OF_TASKS is what tests/dags/test_daily.py holds the DAG to."""
    waves: dict[int, list[Any]] = {}
    for step in warehouse.rows("SELECT * FROM audit.steps ORDER BY position"):
        waves.setdefault(step.wave, []).append(step)
    waits = {
        step.step: {other.step for other in waves.get(wave - 1, ()) if step.source in (None, other.source)}
        for wave, steps in waves.items()
        for step in steps
    }
    for extract in waves[2]:
        waits[extract.step] = {"open_run"}
    assert waits == ORDER_OF_TASKS


def test_a_step_of_ones_own_is_a_worker_and_a_row(warehouse: Warehouse) -> None:
    """The driver locks, asks for the pass, skips and remembers; the worker only works."""
    warehouse.execute(
        """
        CREATE TABLE warehouse.own (day date, lines bigint);
        CREATE FUNCTION warehouse._count_lines(p_load_date date) RETURNS audit.step_result LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO warehouse.own
            SELECT p_load_date, count(*) FROM staging.orders_clean WHERE load_date = p_load_date;
            RETURN ROW(1, 1, 0, 0, NULL)::audit.step_result;
        END $$;
        GRANT INSERT ON warehouse.own TO warehouse_owner;
        GRANT EXECUTE ON FUNCTION warehouse._count_lines(date) TO warehouse_owner;
        INSERT INTO audit.steps (step, position, wave, procedure, worker, needs_pass, inputs, writes, description)
        VALUES ('count_lines', 95, 5, 'warehouse.count_lines', 'warehouse._count_lines', true, '{staging of orders}',
                '{warehouse.own}', 'of the test')"""
    )
    warehouse.execute(RULES_OFF)
    warehouse.landing.orders(DAY, orders(7, DAY))
    warehouse.run(DAY)
    assert [row.lines for row in warehouse.rows("SELECT * FROM warehouse.own")] == [7]
    assert steps_that_work(warehouse, lambda: warehouse.call("warehouse.run_day", DAY)) == set()
    warehouse.landing.orders(DAY, orders(8, DAY))
    assert "count_lines" in steps_that_work(warehouse, lambda: warehouse.run(DAY))
    assert [wave for (wave,) in warehouse.rows(WAVES)][1] == [
        "warehouse.load_dim_date", "warehouse.count_lines", "warehouse.load_dim_user", "warehouse.load_dim_product",
    ]  # fmt: skip
    # A runner may have it done by the driver only.
    assert not warehouse.value("SELECT has_table_privilege('warehouse_runner', 'audit.steps', 'INSERT')")


@pytest.mark.parametrize("source", ["orders", "events", "products"])
def test_a_record_without_a_required_field_is_rejected_and_no_other(warehouse: Warehouse, source: str) -> None:
    warehouse.execute(RULES_OFF)
    record = {"orders": order("O-1", DAY), "events": event("E-1", DAY), "products": product("P-1")}[source]
    required = warehouse.value("SELECT required_fields FROM raw.sources WHERE source = %s", source)
    fields = sorted(record)
    assert set(required) <= set(fields)
    put = getattr(warehouse.landing, source)
    for field in fields:
        lacking = {name: value for name, value in record.items() if name != field}
        if source == "events":
            lacking[field] = ""
        put(DAY, [lacking])
        warehouse.deliver(DAY)
        warehouse.call(f"staging.clean_{source}", DAY)
        rejected = warehouse.value("SELECT rejected_count FROM staging.loads WHERE source = %s", source)
        assert rejected == (field in required), field


def test_no_six_lines_stand_in_two_workers(warehouse: Warehouse) -> None:
    """What they repeat is the driver's, or a routine's."""
    workers = [row.worker for row in warehouse.rows("SELECT worker FROM audit.steps WHERE worker IS NOT NULL")]
    lines = {}
    for worker in workers:
        text = (PROCEDURES / f"{worker.replace('.', '/')}.sql").read_text()
        lines[worker] = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("--")]
    shared = []
    for one, other in combinations(workers, 2):
        runs = [{tuple(found[at : at + 6]) for at in range(len(found) - 5)} for found in (lines[one], lines[other])]
        shared += [f"{one} and {other}: {run}" for run in runs[0] & runs[1]]
    assert not shared, "\n".join(shared)

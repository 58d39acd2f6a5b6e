"""What the pipeline refuses, and what it says when even that goes wrong."""

import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
import pytest

from tests.conftest import Warehouse
from tests.promises import RULES_OFF
from tests.shop import Landing
from tests.steps import DAY, SOMEBODY_WAITS, Caller, locked, newest_step, put_day, refused, wait_for

BASE = {"user_id": "U-1", "timestamp": f"{DAY}T10:00:00Z", "status": "paid"}


def load(warehouse: Warehouse, landing: Landing, count: int) -> None:
    line = BASE | {"product_id": "P-1", "quantity": 1, "price": count}
    landing.orders(DAY, [line | {"order_id": f"O-{number}"} for number in range(count)])


def test_what_was_judged_is_what_is_loaded(
    warehouse: Warehouse, landing: Landing, deliver: Callable[[date], list[Any]], run: Callable[[date], None]
) -> None:
    warehouse.execute("UPDATE audit.dq_rules SET enabled = false WHERE rule_name LIKE 'events_volume%%'")
    load(warehouse, landing, 2)
    run(DAY)
    load(warehouse, landing, 3)
    deliver(DAY)
    with warehouse.connect() as loading, warehouse.connect() as cleaning:
        # As a fact step does first: from here on its staging stays what it is.
        with loading.transaction():
            loading.execute("SELECT audit._require_pass(%s)", (DAY,))
            thread = threading.Thread(target=cleaning.execute, args=("CALL staging.clean_orders(%s)", (DAY,)))
            thread.start()
            thread.join(1)
            assert thread.is_alive()
            assert loading.execute("SELECT count(*) FROM staging.orders_clean").fetchone()[0] == 2
        thread.join(30)
        assert not thread.is_alive()
    assert warehouse.value("SELECT count(*) FROM staging.orders_clean") == 3


def test_compaction_refuses_a_date_to_come(warehouse: Warehouse) -> None:
    with pytest.raises(psycopg.Error, match="not in the future") as caught:
        warehouse.execute("CALL warehouse.compact_partitions('2999-01-01')")
    assert caught.value.sqlstate == "WH004"


def test_a_step_that_another_session_runs_cannot_be_called_done(
    warehouse: Warehouse, landing: Landing, run: Callable[[date], None]
) -> None:
    load(warehouse, landing, 1)
    with pytest.raises(psycopg.Error):
        run(DAY)  # blocked: no events
    step = warehouse.row("SELECT run_id, step_id, step FROM audit.pipeline_steps WHERE status = 'blocked'")
    with pytest.raises(psycopg.Error, match="not run by this session") as caught:
        warehouse.execute("SELECT audit._finish_step(%s, %s, %s, %s, NULL, NULL)", *step, DAY)
    assert caught.value.sqlstate == "WH004"
    assert warehouse.value("SELECT status FROM audit.pipeline_runs") == "blocked"


def test_a_setting_that_is_missing_is_named(warehouse: Warehouse) -> None:
    put_day(warehouse)
    warehouse.execute("DELETE FROM audit.settings WHERE name = 'oldest_order_days'")
    with refused(warehouse, "WH004", "there is no setting oldest_order_days"):
        warehouse.call("staging.clean_orders", DAY)


@pytest.mark.parametrize("name", ["warehouse._month_number", "_clean_orders", "extract_orders", "now", "", None])
def test_the_driver_runs_steps_only(warehouse: Warehouse, name: str | None) -> None:
    with refused(warehouse, "WH004", f"{'<NULL>' if name is None else name} is not a step"):
        warehouse.execute("CALL audit._run_step(%s, %s, NULL)", name, DAY)


def test_a_step_is_performed_by_the_session_that_recorded_it(warehouse: Warehouse) -> None:
    """So that nobody works unseen, and none of the checks is passed by: workers are for nobody to call."""
    put_day(warehouse)
    runner = warehouse.connect("warehouse_runner")
    begin = "SELECT s.step_id FROM audit._start_step(%s, %s) AS s"
    (theirs,) = warehouse.connect("warehouse_runner").execute(begin, ("clean_orders", DAY)).fetchone()
    (ended,) = warehouse.row("SELECT max(step_id) FROM audit.pipeline_steps WHERE status <> 'running'")
    (extract,) = runner.execute(begin, ("extract_orders", DAY)).fetchone()
    for step_id in (theirs, ended, extract, 0, None):
        shown = "<NULL>" if step_id is None else step_id
        with pytest.raises(psycopg.Error, match=f"step {shown} is not run by this session") as found:
            runner.execute("SELECT audit._perform_step(%s)", (step_id,))
        assert found.value.sqlstate == "WH004"
    for worker in [row.worker for row in warehouse.rows("SELECT worker FROM audit.steps WHERE worker IS NOT NULL")]:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            runner.execute(f"SELECT {worker}(%s)", (DAY,))  # type: ignore[arg-type]
    assert warehouse.value("SELECT count(*) FROM staging.orders_clean") == 0


@pytest.mark.parametrize(
    ("parent", "month"),
    [("staging.orders_clean", "2025-11-02"), ("warehouse.dim_date", "2025-11-01"), ("raw.orders_json", "2025-11-01")],
)
def test_only_months_of_staging_and_facts_are_merged(warehouse: Warehouse, parent: str, month: str) -> None:
    with refused(warehouse, "WH004", f"{parent} from {month} is not a month of staging or facts"):
        warehouse.execute("SELECT warehouse._compact_month(%s, %s)", parent, month)


def test_a_month_without_days_counts_as_merged(warehouse: Warehouse) -> None:
    said = warehouse.value("SELECT warehouse._compact_month('staging.orders_clean', '2025-11-01')")
    assert said == "staging.orders_clean_p_2025_11 was merged already"


def test_wh013_a_partition_that_the_settings_keep_is_not_dropped(warehouse: Warehouse) -> None:
    put_day(warehouse)
    warehouse.execute("UPDATE audit.settings SET value = '400' WHERE name = 'raw_keep_days'")
    partition = "raw.orders_json_p_2025_12"
    drop = "SELECT warehouse._drop_expired(%s, %s, %s)"
    with refused(warehouse, "WH013", f"{partition} must not be dropped"):
        warehouse.execute(drop, "raw.orders_json", partition, "2026-10-01")
    warehouse.execute("UPDATE audit.settings SET value = '30' WHERE name = 'raw_keep_days'")
    with refused(warehouse, "WH013", f"{partition} must not be dropped"):  # it is no partition of that table
        warehouse.execute(drop, "raw.events_csv", partition, "2026-10-01")
    warehouse.execute(drop, "raw.orders_json", partition, "2026-10-01")
    assert warehouse.value("SELECT to_regclass(%s)", partition) is None


def test_a_range_that_is_cancelled_runs_no_further_day(warehouse: Warehouse) -> None:
    put_day(warehouse)
    put_day(warehouse, date(2025, 12, 20))
    with locked(warehouse, "staging.codes"):
        caller = Caller(warehouse, "CALL warehouse.run_range('2025-12-01', '2025-12-31')")
        wait_for(lambda: warehouse.rows(SOMEBODY_WAITS))
        warehouse.execute("SELECT pg_cancel_backend(%s)", caller.connection.info.backend_pid)
        caller.join(60)
    assert caller.error is not None
    assert caller.error.sqlstate == "57014"
    assert warehouse.rows("SELECT run_date, status FROM audit.pipeline_runs") == [(DAY, "failed")]


def test_a_failure_is_told_even_if_its_row_of_metrics_cannot_be_written(warehouse: Warehouse) -> None:
    warehouse.execute("ALTER TABLE warehouse.daily_metrics ADD CONSTRAINT made_to_fail CHECK (false)")
    put_day(warehouse)
    with refused(warehouse, "WH002", "the staging of 2025-12-19 has no pass of the quality gate"):
        warehouse.call("warehouse.load_dim_user", DAY)
    assert newest_step(warehouse).status == "blocked"
    assert any(notice.startswith("daily_metrics of 2025-12-19 could not be written: ") for notice in warehouse.notices)


def test_a_day_whose_row_of_metrics_cannot_be_written_has_not_succeeded(warehouse: Warehouse) -> None:
    made_to_fail = "ALTER TABLE warehouse.daily_metrics ADD CONSTRAINT made_to_fail CHECK (status <> 'succeeded')"
    warehouse.execute(made_to_fail)
    put_day(warehouse)
    with pytest.raises(psycopg.Error, match="made_to_fail") as caught:
        warehouse.call("warehouse.run_day", DAY)
    assert caught.value.sqlstate == "23514"
    assert warehouse.value("SELECT status FROM audit.pipeline_runs") == "running"
    warehouse.execute("ALTER TABLE warehouse.daily_metrics DROP CONSTRAINT made_to_fail")
    warehouse.call("warehouse.compute_daily_metrics", DAY)
    assert warehouse.value("SELECT status FROM warehouse.daily_metrics") == "succeeded"


def test_a_sample_that_cannot_be_taken_is_told_and_the_verdict_stays(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    warehouse.execute(
        "INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, severity, sample, description)"
        " VALUES ('mine', 'range', 'staging.orders_clean', 'quantity > 2', 'warning', 'no_such_column', 'mine')"
    )
    put_day(warehouse)
    warehouse.call("warehouse.run_day", DAY)
    found = warehouse.row("SELECT * FROM audit.dq_results WHERE rule_name = 'mine'")
    assert (found.passed, found.failed_count, found.checked_count) == (False, 20, 20)
    assert found.sample == ['the sample cannot be evaluated: column "no_such_column" does not exist']


def test_a_rule_that_gives_no_row_has_nothing_to_compare_with(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    warehouse.execute(
        "INSERT INTO audit.dq_rules (rule_name, check_type, expression, max_value, severity, description)"
        " VALUES ('mine', 'range', 'generate_series(1, 0)', 0, 'critical', 'mine')"
    )
    put_day(warehouse)
    warehouse.call("warehouse.run_day", DAY)
    found = warehouse.row("SELECT * FROM audit.dq_results WHERE rule_name = 'mine'")
    assert (found.passed, found.message) == (True, "nothing to compare with")


def test_a_month_of_raw_is_summarized_when_it_was_loaded(warehouse: Warehouse) -> None:
    warehouse.execute("CREATE INDEX ON raw.orders_json (load_id)")  # somebody's own, of which there is no summary
    put_day(warehouse, count=1000)  # more pages than the one range that an empty table has
    left = warehouse.value(
        "SELECT sum(brin_summarize_new_values(c.oid)) FROM pg_class c JOIN pg_am a ON a.oid = c.relam"
        " WHERE a.amname = 'brin' AND c.relkind = 'i' AND c.relnamespace = 'raw'::regnamespace"
    )
    assert left == 0


def test_a_month_that_another_session_summarizes_is_left_to_it(warehouse: Warehouse) -> None:
    put_day(warehouse)
    with warehouse.connect() as other, other.transaction():
        other.execute("SELECT raw.summarize_month(%s)", [DAY])
        # Would it wait, it would wait for the end of this test.
        warehouse.execute("SET statement_timeout = '60s'")
        warehouse.execute("SELECT raw.summarize_month(%s)", DAY)


def test_who_erases_a_user_is_told_of_copies_in_marts(warehouse: Warehouse) -> None:
    put_day(warehouse)
    warehouse.execute("CREATE MATERIALIZED VIEW marts.mine AS SELECT user_id FROM warehouse.dim_user")
    warehouse.call("audit.erase_user", "U-1", "asked for it")
    assert warehouse.notices[-1] == "marts holds copies that people made; refresh or correct them: marts.mine"


def test_a_delivery_never_uses_ids_that_its_session_has_left_over_from_an_earlier_one(warehouse: Warehouse) -> None:
    """Sessions fetch ids a thousand at a time; of two files of a day, the first id says which one a record is from."""
    ids = []
    with warehouse.connect() as one, warehouse.connect() as other:
        for name, connection in (("a", one), ("b", other), ("c", one)):
            with connection.cursor() as cursor:
                cursor.execute("SELECT raw.open_load('orders', %s, %s, repeat('0', 64))", (DAY, name))
                cursor.execute("SELECT nextval('raw.raw_orders_ids')")
                ids.append(cursor.fetchone())
    assert ids == sorted(ids)

"""What a review tried: a redelivery between gate and facts, dates to come, made-up records of steps."""

import threading
from datetime import date
from typing import Any

import psycopg
import pytest

DAY = date(2025, 12, 19)
BASE = {"user_id": "U-1", "timestamp": f"{DAY}T10:00:00Z", "status": "paid"}


def load(warehouse: Any, landing: Any, count: int) -> None:
    line = BASE | {"product_id": "P-1", "quantity": 1, "price": count}
    landing.orders(DAY, [line | {"order_id": f"O-{number}"} for number in range(count)])


def test_what_was_judged_is_what_is_loaded(warehouse: Any, landing: Any, deliver: Any, run: Any) -> None:
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


def test_compaction_refuses_a_date_to_come(warehouse: Any) -> None:
    with pytest.raises(psycopg.Error, match="not in the future") as caught:
        warehouse.execute("CALL warehouse.compact_partitions('2999-01-01')")
    assert caught.value.sqlstate == "WH004"


def test_a_step_that_another_session_runs_cannot_be_called_done(warehouse: Any, landing: Any, run: Any) -> None:
    load(warehouse, landing, 1)
    with pytest.raises(psycopg.Error):
        run(DAY)  # blocked: no events
    step = warehouse.row("SELECT run_id, step_id, step FROM audit.pipeline_steps WHERE status = 'blocked'")
    with pytest.raises(psycopg.Error, match="not run by this session") as caught:
        warehouse.execute("SELECT audit._finish_step(%s, %s, %s, %s, NULL, NULL)", *step, DAY)
    assert caught.value.sqlstate == "WH004"
    assert warehouse.value("SELECT status FROM audit.pipeline_runs") == "blocked"

"""Weeks of a shop with everything that goes wrong in one: the short version of `make soak`.

SOAK_SEED=123 pytest tests/trust/test_soak.py       the weeks of another shop
"""

import os
from pathlib import Path

import pytest

from tests.conftest import reachable_folder, server_bindir
from trust.soak import Divergence, Soak, Warehouse, own_server

SEED = int(os.environ.get("SOAK_SEED", "3"))
DAYS = 12

# Each of these is a warehouse that lies, or has lost something.
LIES = (
    "UPDATE warehouse.fact_orders SET revenue = revenue + 0.01 WHERE fact_orders_id = ("
    " SELECT min(fact_orders_id) FROM warehouse.fact_orders)",
    "DELETE FROM warehouse.fact_events WHERE fact_events_id = (SELECT max(fact_events_id) FROM warehouse.fact_events)",
    "UPDATE warehouse.dim_user SET city = 'Atlantis' WHERE user_id = ("
    " SELECT min(user_id) FROM warehouse.dim_user WHERE city IS NOT NULL)",
    "UPDATE warehouse.dim_user SET last_seen_at = last_seen_at - interval '1 second' WHERE user_id = '(guest)'",
    "DELETE FROM warehouse.dim_product_history WHERE effective_to IS NULL",
    "UPDATE warehouse.daily_metrics SET net_revenue = net_revenue - 0.01",
    "UPDATE warehouse.daily_metrics SET refunded = refunded + 0.01",
    "UPDATE staging.orders_clean SET tax = coalesce(tax, 0) + 0.01",
    "UPDATE warehouse.fact_orders SET shipping = NULL WHERE shipping IS NOT NULL",
    "UPDATE staging.orders_clean SET currency = 'XXX'",
    "UPDATE staging.orders_clean SET status = 'failed' WHERE status = 'paid'",
    "UPDATE staging.loads SET duplicate_count = duplicate_count + 1",
    "UPDATE audit.bad_records SET failure_reason = failure_reason || '; and more' WHERE raw_id IS NOT NULL",
    "DELETE FROM audit.bad_records WHERE raw_id IS NULL",
    "CREATE TABLE warehouse.fact_orders_p_2001_01_01 ()",
    "UPDATE audit.pipeline_steps SET status = 'running' WHERE step_id = 1",
)


@pytest.mark.once  # the rules of days, not how a server keeps them; convergence and kills beside
@pytest.mark.long
def test_weeks_of_mishaps_end_in_what_the_model_says(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """Crashes, corrections, late files, changes of codes, compaction; and the comparison sees every lie."""
    print(f"SOAK_SEED={SEED}")
    with own_server(server_bindir(pytestconfig), reachable_folder("soak")) as server:
        warehouse = Warehouse(server, "soak")
        warehouse.create()
        soak = Soak(warehouse, tmp_path, SEED, DAYS, check_every=6)
        soak.run()
        assert soak.counts["day"] == DAYS

        soak.open()
        for lie in LIES:
            with soak.connection.transaction(force_rollback=True):
                assert soak.connection.execute(lie).rowcount != 0, lie
                with pytest.raises(Divergence):
                    soak.compare()
        soak.compare()
        soak.close()

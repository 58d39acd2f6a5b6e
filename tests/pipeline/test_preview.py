"""What a preview of a day says would change is what the run then changes; and it leaves nothing behind and nobody waiting.

    PREVIEW_EXAMPLES=500 pytest -s tests/pipeline/test_preview.py -k random     that many random situations
    PREVIEW_SEED=123 pytest …                                                  the same ones again
"""

import contextlib
import json
import os
import random
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st
from pytest_postgresql.executors.noop import NoopExecutor

from tests.conftest import Warehouse, reachable_folder
from tests.previews import everything, happened, picture, told
from tests.promises import RULES_OFF, broken_promises, new_warehouse

EXAMPLES = int(os.environ.get("PREVIEW_EXAMPLES", "10"))
SEED = int(os.environ.get("PREVIEW_SEED") or random.randrange(2**32))
SITUATIONS_OF_A_WAREHOUSE = 10

DAYS = [date(2025, 11, 28), date(2025, 11, 29), date(2025, 11, 30), date(2025, 12, 1), date(2025, 12, 3)]
NAMES = {"orders": ("a.json", "b.ndjson"), "events": ("a.csv", "b.csv"), "products": ("a.json",)}
STEPS = (
    "audit.open_run", "staging.clean_orders", "staging.clean_events", "staging.clean_products", "audit.check_quality",
    "warehouse.load_dim_date", "warehouse.load_dim_user", "warehouse.load_dim_product", "warehouse.reload_fact_orders",
    "warehouse.reload_fact_events",
)  # fmt: skip
# Nobody knows the statuses and currencies that a code or a rate brings in later.
items = st.fixed_dictionaries(
    {
        "product_id": st.sampled_from(["P-1", "P-2", "P-3", "P-4"]),
        "quantity": st.sampled_from([1, 1, 2, 3, 0, -1]),
        "price": st.sampled_from([1, 2.5, 0.05, 19.99]),
    },
    optional={"discount": st.sampled_from([0, 0.5])},
)
orders = st.builds(
    lambda head, lines, person: head | {"items": lines, "user": person},
    st.fixed_dictionaries(
        {
            "order_id": st.sampled_from([f"O-{n}" for n in range(1, 7)]),
            "user_id": st.sampled_from(["U-1", "U-1", "U-1", "U-2", "U-3", None]),
            "timestamp": st.sampled_from([f"{day}T{hour}:00Z" for day in DAYS for hour in ("00:00", "23:59")]),
            "status": st.sampled_from(["paid", "paid", "paid", "shipped", "cancelled", "gone fishing"]),
        },
        optional={
            "updated_at": st.sampled_from([*(f"{day}T{hour}:00Z" for day in DAYS for hour in ("09", "21")), "soon"]),
            "currency": st.sampled_from(["EUR", "EUR", "USD"]),
            "refunded": st.sampled_from([0, 1]),
            "shipping": st.sampled_from([0, 2]),
        },
    ),
    st.lists(items, min_size=1, max_size=3),
    st.sampled_from([{}, {"city": "Berlin"}, {"city": "Rome", "signup_date": "2024-06-01", "marketing_source": "mail"}]),
)
events = st.builds(
    lambda *values: ",".join(value or "" for value in values),
    st.sampled_from(["E-1", "E-2", "E-3", "E-4"]),
    st.sampled_from(["page_view", "View", "purchase", "gone fishing"]),
    st.sampled_from([f"{day}T11:00:00Z" for day in DAYS]),
    st.sampled_from(["U-1", "U-2", "U-9", None]),
    st.sampled_from(["P-1", "P-2", "P-9", None]),
)
products = st.fixed_dictionaries(
    {"product_id": st.sampled_from(["P-1", "P-2", "P-3"]), "product_name": st.sampled_from(["Hammer", "Mallet"]),
     "current_price": st.sampled_from([1, 2.5])}
)  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, str]:
    """Return source, name and content of a delivery; now and then it is cut, or has nothing in it."""
    source = draw(st.sampled_from(["orders", "orders", "orders", "events", "events", "products"]))
    name = draw(st.sampled_from(NAMES[source]))
    if source == "events":
        return source, name, "\n".join(["event_id,event_type,event_ts,user_id,product_id", *draw(st.lists(events, max_size=5))]) + "\n"
    records = [json.dumps(record) for record in draw(st.lists(orders if source == "orders" else products, max_size=5))]
    records *= draw(st.sampled_from([1, 1, 1, 2]))
    if name.endswith(".ndjson"):
        return source, name, "".join(f"{record}\n" for record in records) or "\n"
    return source, name, "[" + ",\n".join(records) + draw(st.sampled_from(["]", "]", "]", "]", ""]))


def setting(name: str, *values: str | None) -> list[str]:
    """Return statements that give a setting these values."""
    return [f"UPDATE audit.settings SET value = {'NULL' if v is None else repr(v)} WHERE name = '{name}'" for v in values]


# What somebody tries in an open transaction, and then does.
CHANGES = [
    None, None, None,
    "INSERT INTO staging.codes VALUES ('order_status', 'gone fishing', 'pending') ON CONFLICT DO NOTHING",
    "INSERT INTO staging.codes VALUES ('event_type', 'gone fishing', 'page_view') ON CONFLICT DO NOTHING",
    "DELETE FROM staging.codes WHERE source_value = 'gone fishing'",
    *setting("partial_orders", "1", None), *setting("negative_lines", "1", None), *setting("in_place_percent", "0", "100"),
    *setting("currency", "EUR", None), *setting("oldest_order_days", "1", "400"), *setting("skip_unchanged", "0", "1"),
    "INSERT INTO warehouse.exchange_rates VALUES ('USD', '2025-11-01', 0.9) ON CONFLICT DO NOTHING",
    "UPDATE warehouse.exchange_rates SET rate = rate * 2",
    "UPDATE warehouse.order_statuses SET counts_as_sale = NOT counts_as_sale WHERE status = 'shipped'",
    "UPDATE audit.dq_rules SET enabled = NOT enabled WHERE check_type IN ('volume', 'share', 'freshness')",
    "UPDATE audit.dq_rules SET severity = 'critical' WHERE rule_name = 'orders_without_users'",
    "INSERT INTO audit.dq_rules (rule_name, table_name, check_type, expression, severity, description)"
    " VALUES ('few_lines', 'staging.orders_clean', 'range', 'line_number < 3', 'critical', 'no large baskets') ON CONFLICT DO NOTHING",
    "DO $$ BEGIN EXECUTE replace(pg_get_functiondef('staging._is_blank'::regproc), 'pg_catalog, pg_temp', 'pg_catalog, pg_temp'); END $$",
]  # fmt: skip


def preview(connection: psycopg.Connection[Any], day: date, change: str | None = None) -> tuple[dict[str, str], Any]:
    """Return what a preview tells, after a change that is taken back."""
    with connection.transaction(force_rollback=True):
        if change:
            connection.execute(change)  # type: ignore[arg-type]
        return told(connection.execute("SELECT * FROM audit.preview(%s)", [day]).fetchall())


def run(warehouse: Warehouse, day: date) -> None:
    """Run a day; it may be blocked, or fail."""
    with contextlib.suppress(psycopg.Error):
        warehouse.call("warehouse.run_day", day)


def situation(warehouse: Warehouse, data: st.DataObject) -> date:
    """Bring the warehouse into some state; return the day that the last of it is about."""
    day = data.draw(st.sampled_from(DAYS), "day")
    for _ in range(data.draw(st.integers(1, 3))):
        what = data.draw(st.sampled_from(["file", "file", "file", "run", "other", "half", "compact", "allow"]), "what")
        about = data.draw(st.sampled_from(DAYS), "other day") if what in ("other", "half") else day
        if what == "compact":
            warehouse.call("warehouse.compact_partitions", date(2025, 12, 1))
        elif what == "allow":
            with contextlib.suppress(psycopg.Error):
                warehouse.call("audit.allow_day", day, "as agreed")
        elif what == "half":
            for step in STEPS[: data.draw(st.integers(1, len(STEPS)))]:
                with contextlib.suppress(psycopg.Error):
                    warehouse.call(step, about)
        else:
            if what in ("file", "other"):
                source, name, content = data.draw(files(), "file")
                warehouse.landing.put(source, about, name, content)
                warehouse.deliver(about)
            if what in ("run", "other"):
                run(warehouse, about)
    return day


@pytest.mark.xdist_group("preview")
def test_what_a_preview_says_changes_in_random_situations_is_what_changes(warehouse_template: NoopExecutor) -> None:
    folder = reachable_folder("previews")
    seen = 0

    @seed(SEED)
    @settings(
        max_examples=max(1, EXAMPLES // SITUATIONS_OF_A_WAREHOUSE), database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink] if "PREVIEW_SHRINK" in os.environ else [Phase.generate],
    )  # fmt: skip
    @given(st.data())
    def look(data: st.DataObject) -> None:
        nonlocal seen
        with new_warehouse(warehouse_template, folder) as warehouse:
            warehouse.execute(RULES_OFF)
            for _ in range(SITUATIONS_OF_A_WAREHOUSE):
                day = situation(warehouse, data)
                change = data.draw(st.sampled_from(CHANGES), "change")
                compare(warehouse, day, change)
                seen += 1

    print(f"PREVIEW_SEED={SEED}")
    look()
    print(f"{seen} situations")


def compare(warehouse: Warehouse, day: date, change: str | None = None) -> None:
    """See that a preview changes nothing, and that the run does what it told."""
    untouched = everything(warehouse.connection)
    steps, said = preview(warehouse.connection, day, change)
    assert everything(warehouse.connection) == untouched
    if change:
        warehouse.execute(change)
    before = picture(warehouse.connection, day)
    run(warehouse, day)
    after = picture(warehouse.connection, day)
    note(f"{day} {steps}")
    outcomes = warehouse.rows(
        "SELECT step, status, error_message, error_sqlstate FROM audit.pipeline_steps WHERE run_id ="
        " (SELECT max(run_id) FROM audit.pipeline_runs WHERE run_date = %s) AND step <> 'open_run'"
        " AND step NOT LIKE 'extract%%' ORDER BY step_id",
        day,
    )
    found = {}
    for row in outcomes:
        if row.status == "succeeded":
            worked = after.worked.get(row.step) != before.worked.get(row.step)
            found[row.step] = "works" if worked else "nothing to do"
        elif row.error_sqlstate == "WH001":
            found[row.step] = "blocked"
        else:
            found[row.step] = f"fails: {row.error_message.splitlines()[0]} ({row.error_sqlstate})"
    assert steps == found
    assert dict(said) == dict(happened(before, after, day, steps))
    assert not broken_promises(warehouse.connection, DAYS)

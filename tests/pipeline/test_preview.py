"""What a preview of a day says would change is what the run changes; it leaves nothing behind, nobody waits for it.

What it says is plain SQL, asked on one version (once); its stand-ins, locks and rights, and merged months on every one.

PREVIEW_EXAMPLES=500 pytest -s tests/pipeline/test_preview.py -k random     that many random situations
PREVIEW_SEED=123 pytest …                                                  the same ones again
"""

import contextlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st
from pytest_postgresql.executors.noop import NoopExecutor

from tests.conftest import Warehouse, copy_of, new_warehouse, reachable_folder
from tests.previews import everything, happened, picture, told
from tests.promises import RULES_OFF, broken_promises
from tests.shop import Landing, event, order
from tests.shop import events as many_events
from tests.shop import orders as many_orders
from tests.steps import SOMEBODY_WAITS, Caller, locked, put_day, refused, wait_for

EXAMPLES = int(os.environ.get("PREVIEW_EXAMPLES", "10"))
SEED = int(os.environ.get("PREVIEW_SEED") or random.randrange(2**32))
SITUATIONS_OF_A_WAREHOUSE = 10
# A situation takes a second: whoever wants a smaller example says so.
PHASES = [Phase.generate, Phase.shrink] if "PREVIEW_SHRINK" in os.environ else [Phase.generate]

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
    st.sampled_from(
        [{}, {"city": "Berlin"}, {"city": "Rome", "signup_date": "2024-06-01", "marketing_source": "mail"}]
    ),
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
        return (
            source,
            name,
            "\n".join(["event_id,event_type,event_ts,user_id,product_id", *draw(st.lists(events, max_size=5))]) + "\n",
        )
    records = [json.dumps(record) for record in draw(st.lists(orders if source == "orders" else products, max_size=5))]
    records *= draw(st.sampled_from([1, 1, 1, 2]))
    if name.endswith(".ndjson"):
        return source, name, "".join(f"{record}\n" for record in records) or "\n"
    return source, name, "[" + ",\n".join(records) + draw(st.sampled_from(["]", "]", "]", "]", ""]))


def setting(name: str, *values: str | None) -> list[str]:
    """Return statements that give a setting these values."""
    return [
        f"UPDATE audit.settings SET value = {'NULL' if v is None else repr(v)} WHERE name = '{name}'" for v in values
    ]


FEW_PIECES = (
    "INSERT INTO audit.dq_rules (rule_name, table_name, check_type, expression, severity, description)"
    " VALUES ('few_pieces', 'staging.orders_clean', 'range', 'quantity < 3', 'critical', 'no large orders')"
    " ON CONFLICT DO NOTHING"
)
# What somebody tries in an open transaction, and then does.
CHANGES = [
    None, None, None,
    "INSERT INTO staging.codes VALUES ('order_status', 'gone fishing', 'pending') ON CONFLICT DO NOTHING",
    "INSERT INTO staging.codes VALUES ('event_type', 'gone fishing', 'page_view') ON CONFLICT DO NOTHING",
    "DELETE FROM staging.codes WHERE source_value = 'gone fishing'",
    *setting("partial_orders", "1", None), *setting("negative_lines", "1", None),
    *setting("in_place_percent", "0", "100"), *setting("currency", "EUR", None),
    *setting("oldest_order_days", "1", "400"), *setting("skip_unchanged", "0", "1"),
    "INSERT INTO warehouse.exchange_rates VALUES ('USD', '2025-11-01', 0.9) ON CONFLICT DO NOTHING",
    "UPDATE warehouse.exchange_rates SET rate = rate * 2",
    "UPDATE warehouse.order_statuses SET counts_as_sale = NOT counts_as_sale WHERE status = 'shipped'",
    "UPDATE audit.dq_rules SET enabled = NOT enabled WHERE check_type IN ('volume', 'share', 'freshness')",
    "UPDATE audit.dq_rules SET severity = 'critical' WHERE rule_name = 'orders_without_users'",
    FEW_PIECES,
    "INSERT INTO audit.dq_rules (rule_name, check_type, expression, max_value, severity, description)"
    " VALUES ('all_lines', 'range', '(SELECT count(*) FROM staging.orders_clean) + (SELECT sum(clean_count)"
    " FROM staging.loads) + (SELECT count(*) FROM warehouse.fact_orders)', 5, 'warning', 'of all days')"
    " ON CONFLICT DO NOTHING",
    # A release: a routine that does something else.
    "CREATE OR REPLACE FUNCTION staging._is_blank(p_value text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE"
    " RETURN p_value IN ('U-3', 'P-4') OR staging._trimmed(p_value) IS NULL",
]  # fmt: skip

# Whether a day's revenue counts what counts as a sale now. Other days count what did when they were loaded.
SALE_STATUSES = """
    SELECT m.sale_statuses = ARRAY(SELECT s.status FROM warehouse.order_statuses AS s WHERE s.counts_as_sale ORDER BY 1)
    FROM warehouse.daily_metrics AS m WHERE m.run_date = %s"""


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


@pytest.mark.once
def test_what_a_preview_says_changes_in_random_situations_is_what_changes(warehouse_template: NoopExecutor) -> None:
    folder = reachable_folder("previews")
    seen = 0

    @seed(SEED)
    @settings(
        max_examples=max(1, EXAMPLES // SITUATIONS_OF_A_WAREHOUSE), database=None, phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def look(data: st.DataObject) -> None:
        nonlocal seen
        with new_warehouse(warehouse_template, folder) as warehouse:
            warehouse.execute(RULES_OFF)
            zone = data.draw(st.sampled_from(["UTC", "America/Los_Angeles", "Australia/Sydney"]), "zone")
            warehouse.execute("UPDATE audit.settings SET value = %s WHERE name = 'time_zone'", zone)
            for _ in range(SITUATIONS_OF_A_WAREHOUSE):
                day = situation(warehouse, data)
                change = data.draw(st.sampled_from(CHANGES), "change")
                note(f"{day} {change}")
                compare(warehouse, day, change)
                seen += 1
                if seen % 50 == 0:
                    print(f"{seen} situations of PREVIEW_SEED={SEED}", flush=True)

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
    assert not broken_promises(warehouse.connection, [*DAYS, day])
    if found.get("reload_fact_orders") in ("works", "nothing to do"):
        assert warehouse.value(SALE_STATUSES, day)


# -- what it is for ----------------------------------------------------------------------------------

DAY, OTHER = date(2025, 12, 19), date(2025, 12, 20)


def lines(warehouse: Warehouse, day: date = DAY) -> dict[tuple[Any, ...], Any]:
    """Return what a preview tells, by part, table, day, and group."""
    found = warehouse.rows("SELECT * FROM audit.preview(%s)", day)
    return {(row.part, row.name, row.load_date, row.grouped_by, row.value): row for row in found}


def counts(line: Any) -> tuple[int, ...]:
    return line.identical, line.changed, line.added, line.removed


@pytest.fixture(scope="module")
def loaded(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Two days that are loaded, of twenty orders and events each."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("loaded")) as made:
        made.execute(RULES_OFF)
        for day in (DAY, OTHER):
            put_day(made, day)
            made.call("warehouse.run_day", day)
        yield made


@pytest.fixture
def shop(loaded: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of them."""
    with copy_of(loaded, tmp_path) as copy:
        yield copy


@pytest.mark.once
def test_a_corrected_file_is_told_by_status_and_product_with_revenue_and_keys(shop: Warehouse) -> None:
    first = f"O-{DAY}-1"
    corrected = many_orders(19, DAY)
    corrected[0] |= {"status": "refunded", "price": 5}
    shop.landing.orders(DAY, [*corrected, order("O-new", DAY, price=1, product_id="P-9")])
    shop.deliver(DAY)
    told_lines = lines(shop)
    facts = ("facts", "warehouse.fact_orders", DAY)
    whole = told_lines[*facts, None, None]
    assert (*counts(whole), whole.keys) == (18, 1, 1, 1, [f"{first}/1", f"O-{DAY}-20/1", "O-new/1"])
    assert (whole.revenue_before, whole.revenue_after) == (20 * Decimal("19.98"), 18 * Decimal("19.98") + 12)
    assert (whole.net_revenue_before, whole.net_revenue_after) == (20 * Decimal("19.98"), 18 * Decimal("19.98") + 2)
    assert counts(told_lines[*facts, "status", "paid"]) == (18, 0, 1, 2)
    assert counts(told_lines[*facts, "status", "refunded"]) == (0, 0, 1, 0)
    assert counts(told_lines[*facts, "product_id", "P-9"]) == (0, 0, 1, 0)
    assert (*facts, "product_id", "P-3") not in told_lines
    assert told_lines["dimension", "warehouse.dim_product", None, None, None].keys == ["P-9"]
    metric = told_lines["metric", "net_revenue", DAY, None, None]
    assert (metric.before, metric.after) == ("399.6", "361.64")
    compare(shop, DAY)


@pytest.mark.once
def test_an_order_that_goes_to_another_day_or_comes_back_from_it_is_told_of_both(shop: Warehouse) -> None:
    shop.landing.orders(OTHER, [*many_orders(20, OTHER), order(f"O-{DAY}-1", OTHER, status="shipped")])
    shop.deliver(OTHER)
    taken = lines(shop, OTHER)
    assert counts(taken["facts", "warehouse.fact_orders", DAY, None, None]) == (None, 0, 0, 1)
    assert counts(taken["superseded", "warehouse.orders_superseded", DAY, None, None]) == (None, 0, 1, 0)
    metric = taken["metric", "fact_orders_count", DAY, None, None]
    assert (metric.before, metric.after) == ("20", "19")
    compare(shop, OTHER)
    shop.landing.orders(OTHER, many_orders(20, OTHER))
    shop.deliver(OTHER)
    given = lines(shop, OTHER)
    line = given["facts", "warehouse.fact_orders", DAY, None, None]
    assert (*counts(line), line.keys) == (None, 0, 1, 0, [f"O-{DAY}-1/1"])
    compare(shop, OTHER)


def test_days_of_a_compacted_month_share_a_partition_in_a_preview_too(shop: Warehouse) -> None:
    late = event("E-late", DAY - timedelta(3))
    for day in (DAY, OTHER):
        shop.landing.events(day, [*many_events(20, day), late])
        shop.landing.orders(
            day, [*many_orders(20, day), order("O-late", day, timestamp=f"{DAY - timedelta(9)}T10:00:00Z")]
        )
        shop.run(day)
    shop.call("warehouse.compact_partitions", date(2026, 1, 1))
    shop.landing.events(DAY, many_events(20, DAY))
    shop.deliver(DAY)
    compare(shop, DAY)
    for day, records in ((OTHER, many_events(19, OTHER)), (DAY, [late])):
        shop.landing.events(day, records)
        shop.landing.orders(day, many_orders(19, day))
        shop.deliver(day)
        compare(shop, day)


@pytest.mark.once
def test_codes_can_be_tried_in_an_open_transaction(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [*many_orders(20, DAY), order("O-new", DAY, status="gone fishing")])
    shop.deliver(DAY)
    reason = ("rejected", "raw.orders_json", DAY, "reason")
    assert any(about[:4] == reason and line.after == "1" for about, line in lines(shop).items())
    with shop.connection.transaction(force_rollback=True):
        shop.execute("INSERT INTO staging.codes VALUES ('order_status', 'gone fishing', 'paid')")
        assert counts(lines(shop)["facts", "warehouse.fact_orders", DAY, None, None]) == (20, 0, 1, 0)
    assert shop.value("SELECT count(*) FROM staging.codes WHERE source_value = 'gone fishing'") == 0


@pytest.mark.once
def test_a_day_that_would_be_blocked_says_by_which_rule_and_loads_nothing(shop: Warehouse) -> None:
    shop.execute(FEW_PIECES)
    shop.landing.orders(DAY, many_orders(20, DAY, quantity=30))
    shop.deliver(DAY)
    told_lines = lines(shop)
    assert told_lines["step", "check_quality", DAY, None, None].after == "blocked"
    verdict = told_lines["verdict", "gate", DAY, None, None]
    assert (verdict.before, verdict.after) == ("passed", "blocked")
    assert told_lines["rule", "few_pieces", DAY, "severity", "critical"].after == "fails: 20 of 20 rows break it"
    assert not [about for about in told_lines if about[0] in ("facts", "dimension")]
    assert told_lines["metric", "status", DAY, None, None].after == "blocked"
    compare(shop, DAY)


@pytest.mark.once  # the command line
def test_files_are_previewed_as_if_they_had_come(shop: Warehouse, tmp_path: Path) -> None:
    corrected = Landing(tmp_path / "corrected")
    corrected.orders(DAY, many_orders(15, DAY), "orders.json")
    corrected.orders(date(2026, 2, 1), many_orders(5, "2026-02-01"))  # a month that raw does not have
    before = everything(shop.connection)
    for day, expected in ((DAY, (15, 0, 0, 5)), (date(2026, 2, 1), (0, 0, 5, 0))):
        shown = command(shop, "preview", f"{day}", "--files", f"{corrected.folder}", "--json")
        (line,) = [
            row for row in json.loads(shown)
            if row["name"] == "warehouse.fact_orders" and not row["grouped_by"] and row["load_date"] == f"{day}"
        ]  # fmt: skip
        assert tuple(line[name] for name in ("identical", "changed", "added", "removed")) == expected
    # Ids that deliveries would have had are left out; nothing else.
    assert {name for name, value in everything(shop.connection).items() if value != before[name]} <= {
        "raw.load_ids", "raw.raw_orders_ids",
    }  # fmt: skip
    assert "O-" in command(shop, "preview", f"{DAY}", "--files", f"{corrected.folder}")
    assert command(shop, "preview", f"{DAY}").endswith(f"A run of {DAY} would change nothing.\n")


def command(warehouse: Warehouse, *arguments: str) -> str:
    """Run a command and return what it prints."""
    environment = os.environ | {"WAREHOUSE_DSN": warehouse.dsn}
    return subprocess.run(
        [sys.executable, "-m", "glue", *arguments], env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


# -- nobody waits, nothing stays ---------------------------------------------------------------------


def test_readers_and_runs_of_other_days_go_on_beside_a_preview(shop: Warehouse) -> None:
    """By its locks: while it is about to load events, everything but that is in place."""
    shop.execute("UPDATE audit.settings SET value = '0' WHERE name = 'in_place_percent'")  # OTHER is swapped
    shop.landing.orders(DAY, [*many_orders(15, DAY), order(f"O-{OTHER}-1", DAY, updated_at="2025-12-30T00:00:00Z")])
    shop.landing.orders(OTHER, many_orders(20, OTHER, price=3))
    shop.deliver(DAY)
    shop.deliver(OTHER)
    with locked(shop, "warehouse.late_events"):
        caller = Caller(shop, f"SELECT * FROM audit.preview('{DAY}')")
        wait_for(lambda: shop.rows(SOMEBODY_WAITS))
        held = shop.rows(
            "SELECT l.relation::regclass::text AS name, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE l.pid = %s AND l.granted"
            " AND n.nspname IN ('raw', 'staging', 'warehouse', 'audit') AND c.relkind IN ('r', 'p')"
            " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            caller.connection.info.backend_pid,
        )
        assert {row.mode for row in held} == {"AccessShareLock"}
        names = {row.name for row in held}
        assert "warehouse.fact_orders_p_2025_12_19" in names  # of the day itself, whose steps wait
        assert not {name for name in names if "2025_12_20" in name or ".dim_user" in name or ".dim_product" in name}
        assert not names & {
            "warehouse.fact_orders",
            "warehouse.fact_events",
            "staging.orders_clean",
            "warehouse.dim_date",
        }
        assert not shop.rows(
            "SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.pid = %s AND l.classid::bigint ="
            " warehouse._lock_class('publish')::bigint & 4294967295 AND l.objid IN"
            " (SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'warehouse'::regnamespace)",
            caller.connection.info.backend_pid,
        )
        assert shop.value("SELECT count(*) FROM warehouse.fact_orders") == 40
        for step in STEPS[1:-1]:
            shop.call(step, OTHER)  # to the swap of its orders
        assert shop.value("SELECT sum(revenue) FROM warehouse.fact_orders WHERE load_date = %s", OTHER) == 120
        assert caller.is_alive()
    caller.join()
    assert caller.error is None
    assert not shop.rows(
        "SELECT FROM pg_locks WHERE pid = %s AND locktype = 'advisory'", caller.connection.info.backend_pid
    )


# What a preview reads, from its beginning to its end.
READS = ("staging.loads", "raw.file_loads", "audit.dq_rules", "warehouse.dim_user", "warehouse.order_owners",
         "warehouse.events_superseded")  # fmt: skip


def test_a_preview_that_is_killed_anywhere_leaves_nothing(shop: Warehouse) -> None:
    shop.landing.orders(DAY, many_orders(15, DAY, price=2))
    shop.deliver(DAY)
    before = everything(shop.connection)
    for table in READS:
        with locked(shop, table):
            caller = Caller(shop, f"SELECT * FROM audit.preview('{DAY}')")
            wait_for(lambda: shop.rows(SOMEBODY_WAITS))
            shop.execute("SELECT pg_terminate_backend(%s, 10000)", caller.connection.info.backend_pid)
        caller.join()
        assert caller.error is not None, table
        assert everything(shop.connection) == before, table
    compare(shop, DAY)


@pytest.mark.once  # the command line
def test_a_preview_whose_client_is_killed_leaves_nothing(shop: Warehouse) -> None:
    before = everything(shop.connection)
    with locked(shop, "warehouse.order_owners"):
        environment = os.environ | {"WAREHOUSE_DSN": shop.dsn}
        client = subprocess.Popen([sys.executable, "-m", "glue", "preview", f"{DAY}"], env=environment)
        wait_for(lambda: shop.rows(SOMEBODY_WAITS))
        client.kill()
        client.wait()
        wait_for(lambda: not shop.rows(SOMEBODY_WAITS))
    assert everything(shop.connection) == before


def test_a_preview_of_a_day_that_is_running_waits_says_so_and_gives_up(shop: Warehouse) -> None:
    with shop.connect() as other, other.transaction():
        other.execute("SELECT warehouse._wait_for_day('clean_orders', %s)", [DAY])
        shop.execute("SET lock_timeout = '100ms'")
        with refused(shop, "WH006", f"clean_orders of {DAY} stayed in use"):
            lines(shop)


# -- who may -----------------------------------------------------------------------------------------


def test_a_runner_may_preview_and_an_analyst_may_not(shop: Warehouse) -> None:
    runner = shop.connect("warehouse_runner")
    assert runner.execute("SELECT count(*) FROM audit.preview(%s)", [DAY]).fetchone()[0] > 10
    analyst = shop.connect("warehouse_analyst")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("SELECT * FROM audit.preview(%s)", [DAY])


def test_a_session_with_temporary_objects_of_its_own_is_refused(shop: Warehouse) -> None:
    """Else the owner would evaluate what its caller made."""
    for made in (
        "CREATE FUNCTION pg_temp._partition_of(text, date) RETURNS regclass LANGUAGE sql AS 'SELECT NULL::regclass'",
        "CREATE TEMPORARY TABLE orders_clean (a int)",
    ):
        shop.execute(made)
        with refused(shop, "WH004", "a preview needs a session without temporary tables and functions"):
            lines(shop)
        shop.execute("DISCARD TEMP")
    assert lines(shop)


@pytest.mark.once
def test_a_preview_needs_a_date(shop: Warehouse) -> None:
    with pytest.raises(psycopg.Error) as raised:
        shop.rows("SELECT * FROM audit.preview(NULL)")
    assert raised.value.sqlstate == "WH004"


def test_names_of_stand_ins_are_unique_whatever_their_schema(warehouse: Warehouse) -> None:
    """In a preview, raw.x and audit.x would be the same pg_temp.x."""
    found = warehouse.rows(
        "SELECT name, array_agg(schema) FROM ("
        " SELECT c.relname AS name, n.nspname AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'v', 'S') AND NOT c.relispartition"
        " UNION SELECT p.proname, n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace) AS o"
        " WHERE schema IN ('raw', 'staging', 'warehouse', 'audit') GROUP BY name HAVING count(DISTINCT schema) > 1"
    )
    assert not found

"""A step whose inputs are those of its last result does nothing; whatever of them changes makes it work again."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_postgresql.executors.noop import NoopExecutor

from tests.conftest import Warehouse, copy_of, new_warehouse
from tests.shop import checksums, events, order, orders, product
from tests.steps import keep_autovacuum_away, rows_in_place, steps_that_work, wait_for, worked

DAY = date(2025, 12, 19)
STEPS = {
    "clean_orders", "clean_events", "clean_products", "check_quality", "load_dim_date", "load_dim_user",
    "load_dim_product", "reload_fact_orders", "reload_fact_events", "compute_daily_metrics",
}  # fmt: skip
CLEANING = {"clean_orders", "clean_events", "clean_products"}
LOADING = STEPS - CLEANING - {"check_quality"}
WITH_CODES = STEPS - {"clean_products", "load_dim_date"}
FROM_EVENTS = STEPS - {"clean_orders", "clean_products", "reload_fact_orders"}


def blocked_day(warehouse: Warehouse) -> None:
    """Run a day that the gate blocks."""
    with pytest.raises(psycopg.Error, match="blocked") as blocked:
        warehouse.call("warehouse.run_day", DAY)
    assert blocked.value.sqlstate == "WH001"


@pytest.fixture(scope="module")
def loaded(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A day that ran, with a catalogue and a late order of the day before."""
    late, bad = order("O-late", DAY - timedelta(days=1)), order("O-bad", DAY, quantity=0)
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("loaded")) as made:
        made.landing.orders(DAY, [*orders(30, DAY), late, bad])
        made.landing.events(DAY, events(40, DAY))
        made.landing.products(DAY, [product("P-1"), product("P-2")])
        made.run(DAY)
        assert set(worked(made)) == STEPS
        yield made


@pytest.fixture
def shop(loaded: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of it."""
    with copy_of(loaded, tmp_path) as copy:
        yield copy


def test_an_unchanged_day_is_run_again_without_work(shop: Warehouse) -> None:
    before, sums = rows_in_place(shop), checksums(shop.connection)
    verdicts = shop.rows("SELECT rule_name, passed, observed, message FROM audit.dq_results ORDER BY rule_name")
    first = shop.value("SELECT max(run_id) FROM audit.pipeline_runs")
    assert steps_that_work(shop, lambda: shop.run(DAY)) == set()
    assert rows_in_place(shop) == before
    assert checksums(shop.connection) == sums
    # The new run says of itself all that a run says.
    run = shop.row("SELECT * FROM audit.pipeline_runs ORDER BY run_id DESC LIMIT 1")
    assert (run.status, run.run_id > first) == ("succeeded", True)
    again = "SELECT rule_name, passed, observed, message FROM audit.dq_results WHERE run_id = %s ORDER BY rule_name"
    assert shop.rows(again, run.run_id) == verdicts
    assert shop.value("SELECT run_id FROM audit.gate_verdicts") == run.run_id
    counts = "SELECT step, rows_in, rows_rejected FROM audit.pipeline_steps WHERE run_id = %s ORDER BY step"
    assert shop.rows(counts, run.run_id) == shop.rows(counts, first)


WORK = """
    SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint AS written,
           sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint AS read
    FROM pg_stat_user_tables
"""
OTHER_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def test_an_unchanged_day_reads_and_writes_next_to_nothing(warehouse: Warehouse) -> None:
    """What is written and read is the records of the run: the same for thousands of rows as for ten."""
    # Once it has analysed a table of one page, that is read whole instead of by its index.
    keep_autovacuum_away(warehouse)
    work = []
    for day, count in ((DAY, 10), (DAY + timedelta(days=1), 3000)):
        warehouse.landing.orders(day, orders(count, day))
        warehouse.landing.events(day, events(count, day))
        warehouse.run(day)
        warehouse.call("warehouse.run_day", day)
        # A session tells what it has read when it ends.
        wait_for(lambda: warehouse.value(OTHER_SESSIONS) == 0)
        counts = []
        for _ in range(2):
            warehouse.execute("SELECT pg_stat_force_next_flush()")
            warehouse.execute("SELECT pg_stat_clear_snapshot()")
            counts.append(warehouse.row(WORK))
            warehouse.call("warehouse.run_day", day)
        work.append((counts[1].written - counts[0].written, counts[1].read - counts[0].read))
    (few_written, few_read), (many_written, many_read) = work
    assert many_written <= few_written + 10, work
    assert many_read <= few_read + 300, work


def row_changes(change: str, steps: set[str]) -> Any:
    """Return a change of rows: how those are told is nothing to PostgreSQL's version, how its catalog is, may be."""
    return pytest.param(change, steps, marks=pytest.mark.once)


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        row_changes("UPDATE audit.settings SET value = '399' WHERE name = 'oldest_order_days'", STEPS),
        row_changes(
            "INSERT INTO staging.codes (kind, source_value, canonical_value) VALUES ('order_status', 'x', 'paid')",
            WITH_CODES,
        ),
        row_changes(
            "UPDATE warehouse.order_statuses SET counts_as_sale = NOT counts_as_sale WHERE status = 'paid'", WITH_CODES
        ),
        row_changes("UPDATE audit.dq_rules SET enabled = false WHERE rule_name = 'orders_range'", {"check_quality"}),
        row_changes(
            "UPDATE audit.dq_rules SET severity = 'warning' WHERE rule_name = 'orders_range'", {"check_quality"}
        ),
        row_changes("DELETE FROM audit.step_inputs", STEPS),
        row_changes("DELETE FROM audit.step_inputs WHERE step = 'load_dim_user'", {"load_dim_user"}),
        row_changes("DELETE FROM audit.gate_verdicts", {"check_quality"}),
        row_changes("UPDATE audit.settings SET value = '0' WHERE name = 'skip_unchanged'", STEPS),
        ("ALTER FUNCTION staging._trimmed(text) COST 2", STEPS),
        row_changes("INSERT INTO staging.null_markers (marker) VALUES ('0')", CLEANING | {"check_quality"}),
        ("DROP TABLE staging.events_clean_p_2025_12_19", FROM_EVENTS),
    ],
)
def test_whatever_changes_of_the_inputs_makes_the_steps_work(shop: Warehouse, change: str, steps: set[str]) -> None:
    shop.execute(change)
    assert steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY)) == steps


def test_a_redelivery_makes_work_for_what_follows_from_it(shop: Warehouse) -> None:
    shop.landing.events(DAY, events(41, DAY))
    again = steps_that_work(shop, lambda: shop.run(DAY))
    assert again == FROM_EVENTS
    assert shop.value("SELECT fact_events_count FROM warehouse.daily_metrics WHERE run_date = %s", DAY) == 41


@pytest.mark.once  # as the others that say so: of rows, and of what follows from which step
def test_a_refused_delivery_is_cleaned_and_changes_nothing_else(shop: Warehouse) -> None:
    shop.landing.put("orders", DAY, "other.json", "[{]")
    assert "clean_orders" in steps_that_work(shop, lambda: shop.run(DAY))
    reason = "SELECT failure_reason FROM audit.bad_records WHERE file_name = 'other.json'"
    assert "JSON" in shop.value(reason)


@pytest.mark.once
def test_a_day_that_changed_elsewhere_is_judged_anew(shop: Warehouse) -> None:
    """A rule may look at other days; facts that another day took over are counted again."""
    other = DAY + timedelta(days=1)
    shop.landing.orders(other, [*orders(30, other), order(f"O-{DAY}-1", DAY, quantity=7)])
    shop.landing.events(other, events(40, other))
    shop.run(other)
    again = steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY))
    assert again == {"check_quality", "compute_daily_metrics"}
    assert steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY)) == set()


@pytest.mark.once
def test_a_blocked_day_is_judged_every_time(warehouse: Warehouse) -> None:
    warehouse.landing.orders(DAY, orders(20, DAY))
    warehouse.deliver(DAY)
    blocked_day(warehouse)
    assert steps_that_work(warehouse, lambda: blocked_day(warehouse)) == {"check_quality"}
    warehouse.execute("CALL audit.allow_day(%s, 'a quiet Friday')", DAY)
    assert steps_that_work(warehouse, lambda: warehouse.call("warehouse.run_day", DAY)) >= LOADING


def test_a_compacted_month_is_still_the_result(shop: Warehouse) -> None:
    shop.call("warehouse.compact_partitions", DAY + timedelta(days=60))
    assert shop.value("SELECT warehouse._partition_of('warehouse.fact_orders', %s)::text", DAY).endswith("_p_2025_12")
    assert steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY)) == set()


# -- what rules read ----------------------------------------------------------------------------------

RULE = """
    INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, max_value, severity, description)
    VALUES ('own', 'own', %s, %s, 1000000, 'critical', 'of the test')"""


def with_rule(warehouse: Warehouse, expression: str, table: str | None = None) -> None:
    """Give the shop a rule of its own, and run the day twice: by then nothing has changed since it was judged."""
    warehouse.execute(RULE, table, expression)
    for _ in range(2):
        warehouse.call("warehouse.run_day", DAY)


def verdict(warehouse: Warehouse, rule: str) -> str:
    """Return what the newest run says of a rule."""
    newest = "SELECT message FROM audit.dq_results WHERE rule_name = %s ORDER BY run_id DESC LIMIT 1"
    return str(warehouse.rows(newest, rule)[0].message)


@pytest.mark.once
def test_a_catalogue_of_another_day_is_seen_when_it_is_cleaned(warehouse: Warehouse) -> None:
    """It is no work of a whole run that the gate waits for."""
    earlier = DAY - timedelta(days=3)
    warehouse.landing.orders(DAY, orders(3, DAY))
    warehouse.landing.events(DAY, events(3, DAY))
    warehouse.run(DAY)
    assert verdict(warehouse, "products_age") == "nothing to compare with"
    warehouse.landing.products(earlier, [product("P-1")])
    warehouse.deliver(earlier)
    warehouse.call("staging.clean_products", earlier)
    assert steps_that_work(warehouse, lambda: warehouse.call("warehouse.run_day", DAY)) == {"check_quality"}
    assert verdict(warehouse, "products_age") == "observed 3, allowed at most 14"


@pytest.mark.once
def test_products_are_known_or_not_whether_or_not_the_day_was_loaded_before(shop: Warehouse) -> None:
    """A catalogue that the day itself brought, and brings no more, says nothing."""
    shop.landing.products(DAY, [product("P-9")])
    for _ in range(2):
        shop.run(DAY)
        assert verdict(shop, "products_coverage") == "observed 1, allowed at most 0.05"


# What reads the clock, chance, the session, tables and functions of theirs, views, places of rows, or nothing that is.
OF_UNKNOWN_READS = (
    "extract(epoch FROM now() - '2025-01-01')::bigint / 1000000",
    "current_date - $1",
    "'today'::date - $1",
    "('to' || 'day')::date - $1",
    "random()",
    "length(current_setting('application_name'))",
    "(SELECT count(*) FROM public.theirs)",
    "public.theirs()",
    "(SELECT count(*) FROM warehouse.daily_metrics WHERE runtime_seconds > 0)",
    "(SELECT count(*) FROM warehouse.sales)",
    "(SELECT count(*) FROM staging.orders_clean TABLESAMPLE bernoulli (50))",
    "(SELECT max((c.ctid::text::point)[0]) FROM staging.codes c)",
    "no_such_column",
)


def judge(shop: Warehouse) -> set[str]:
    """Judge the day alone; return the steps that worked."""
    return steps_that_work(shop, lambda: shop.call("audit.check_quality", DAY))


def test_a_rule_of_which_it_is_not_known_what_it_reads_is_judged_each_time(shop: Warehouse) -> None:
    """One rule after the other; and one of which it is known, by which it shows that the day itself stays the same."""
    shop.execute("CREATE TABLE public.theirs (a integer); GRANT SELECT ON public.theirs TO warehouse_checker")
    shop.execute("CREATE FUNCTION public.theirs() RETURNS bigint LANGUAGE sql IMMUTABLE AS"
                 " 'SELECT count(*) FROM public.theirs'")  # fmt: skip
    shop.execute(RULE.replace("critical", "warning"), None, "1")
    for expression in (*OF_UNKNOWN_READS, "2"):
        shop.execute("UPDATE audit.dq_rules SET expression = %s WHERE rule_name = 'own'", expression)
        assert judge(shop) == {"check_quality"}
        assert judge(shop) == (set() if expression == "2" else {"check_quality"}), expression


@pytest.mark.once
def test_a_critical_rule_that_reads_a_table_of_theirs_blocks_as_soon_as_it_fails(shop: Warehouse) -> None:
    shop.execute("CREATE TABLE public.theirs (a integer); GRANT SELECT ON public.theirs TO warehouse_checker")
    with_rule(shop, "(SELECT sum(a) FROM public.theirs)")
    shop.execute("INSERT INTO public.theirs VALUES (1000001)")
    blocked_day(shop)


OF_WHAT_STEPS_WRITE = (
    ("staging.orders_clean", "sum(CASE WHEN order_ts::date < $1 AND status IN ('paid', 'new') THEN 1 ELSE 0 END)"),
    ("staging.orders_clean", "count(DISTINCT user_id) FILTER (WHERE coalesce(upper(city), '') LIKE 'B%%')"),
    (None, "(SELECT count(*) FROM staging.events_clean WHERE load_date = $1 - 1 AND event_ts < $1)"),
    (None, "(WITH days AS (SELECT date FROM warehouse.dim_date WHERE is_weekend) SELECT max($1 - date) FROM days)"),
    (None, "(SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY kind) AS n FROM staging.codes) AS s)"),
    (None, "(SELECT sum(f.revenue) FROM warehouse.fact_orders f JOIN warehouse.dim_user u USING (user_id))"),
)  # fmt: skip


def test_a_rule_that_reads_what_steps_write_is_skipped_until_one_has_worked(shop: Warehouse) -> None:
    next_day = DAY + timedelta(days=1)
    shop.execute(RULE, None, "1")
    for count, (table, expression) in enumerate(OF_WHAT_STEPS_WRITE, start=5):
        shop.execute(
            "UPDATE audit.dq_rules SET table_name = %s, expression = %s WHERE rule_name = 'own'", table, expression
        )
        assert judge(shop) == {"check_quality"}
        assert judge(shop) == set(), expression
        shop.landing.orders(next_day, orders(count, next_day))
        shop.landing.events(next_day, events(count, next_day))
        shop.run(next_day)
        assert judge(shop) == {"check_quality"}, expression


def test_what_was_under_way_when_a_day_was_judged_counts_as_newer(shop: Warehouse) -> None:
    """Another day's step that had begun, and commits later: the verdict did not see it."""
    other = DAY - timedelta(days=7)
    with shop.connect() as busy, busy.transaction():
        busy.execute(
            "INSERT INTO audit.step_inputs (step, run_date, digest, rows_in) VALUES ('clean_orders', %s, '', 0)",
            (other,),
        )
        shop.execute("DELETE FROM audit.step_inputs WHERE step = 'check_quality'")
        shop.call("warehouse.run_day", DAY)
        assert steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY)) == set()
    assert steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY)) == {"check_quality"}
    assert steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY)) == set()


@pytest.mark.once
def test_staging_that_retention_drops_is_missed_by_the_rules_that_read_it(shop: Warehouse) -> None:
    earlier = DAY - timedelta(days=40)
    shop.landing.orders(earlier, orders(5, earlier))
    shop.landing.events(earlier, events(5, earlier))
    shop.run(earlier)
    with_rule(shop, "(SELECT count(*) FROM staging.orders_clean WHERE load_date < $1)")
    assert verdict(shop, "own") == "observed 5, allowed at most 1000000"
    shop.execute("UPDATE audit.settings SET value = '1' WHERE name = 'staging_keep_days'")
    shop.call("warehouse.run_day", DAY)
    shop.call("warehouse.compact_partitions", DAY - timedelta(days=8))
    shop.call("warehouse.run_day", DAY)
    assert verdict(shop, "own") == "observed 0, allowed at most 1000000"


@pytest.mark.once
def test_a_verdict_whose_results_are_gone_is_judged_anew(shop: Warehouse) -> None:
    shop.execute("DELETE FROM audit.dq_results WHERE rule_name = 'orders_range'")
    assert steps_that_work(shop, lambda: shop.call("warehouse.run_day", DAY)) == {"check_quality"}
    assert verdict(shop, "orders_range") == "0 of 31 rows break it"


@pytest.mark.once
def test_each_input_of_a_step_is_remembered_by_itself(shop: Warehouse) -> None:
    """So that it can be said why a step would work."""
    components = "SELECT components FROM audit.step_inputs WHERE step = %s"
    general = {"codes", "order statuses", "settings", "step", "routines", "views", "revision", "server"}
    for step, own in {
        "clean_events": {"deliveries", "fields", "null markers", "shapes"},
        "check_quality": {"staging", "rules", "overrides", "usual"},
        "reload_fact_orders": {"staging of orders"},
        "compute_daily_metrics": {"staging", "figures", "unseen members"},
    }.items():
        before = shop.value(components, step)
        assert set(before) == general | own
        shop.execute("INSERT INTO staging.codes VALUES ('order_status', %s, 'paid')", f"as {step}")
        shop.call("warehouse.run_day", DAY)
        after = shop.value(components, step)
        assert {name for name in before if before[name] != after[name]} == {"codes"}

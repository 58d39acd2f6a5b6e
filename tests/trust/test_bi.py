"""What a login of a BI tool reads and cannot do; one name for one thing in the views; the files for the tools."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest
import yaml
from psycopg import errors, sql

from embedded.server import PROJECT, EmbeddedServer
from ops.migrate import upgrade
from tests.conftest import Warehouse
from tests.promises import RULES_OFF
from tests.shop import events, order, orders, product
from trust.upgrades import RELEASES

# Rights, names and plans of one catalog, which the matrix compares on every version.
pytestmark = [pytest.mark.once, pytest.mark.xdist_group("bi")]
FRIDAY = date(2025, 12, 19)
FILES = PROJECT / "bi"
VIEWS = ("sales", "orders", "order_lines", "events", "days")
CALENDAR = (
    "year", "quarter", "month", "month_name", "iso_year", "week", "day_of_week", "day_name", "is_weekend",
)  # fmt: skip
# One name for one thing: each column of the views, and which of them have it.
ORDERS, LINES = ("sales", "orders", "order_lines"), ("sales", "order_lines")
THINGS = {
    "order_id": ORDERS, "line_number": LINES, "order_date": ORDERS, "order_ts": ORDERS, "status": ORDERS,
    "counts_as_sale": ("orders", "order_lines"), "lines": ("orders",), "quantity": ORDERS, "unit_price": LINES,
    "event_id": ("events",), "event_type": ("events",), "event_date": ("events",), "event_ts": ("events",),
    "date_id": (*ORDERS, "events"), **dict.fromkeys(CALENDAR, VIEWS), "load_date": VIEWS,
    "user_id": (*ORDERS, "events"), "city": (*ORDERS, "events"), "marketing_source": (*ORDERS, "events"),
    "product_id": (*LINES, "events"), "product_name": (*LINES, "events"), "category": (*LINES, "events"),
    "brand": (*LINES, "events"), "attributes": (*LINES, "events"),
    "product_name_then": ("order_lines",), "category_then": ("order_lines",), "brand_then": ("order_lines",),
    "catalogue_price_then": ("order_lines",),
    **dict.fromkeys(("revenue", "net_revenue", "discount", "tax", "shipping", "refunded"), (*ORDERS, "days")),
    "currency": ORDERS, "revenue_in_currency": ORDERS,
    **dict.fromkeys(("run_status", "delivered", "clean", "duplicate", "rejected", "superseded", "in_facts"), ("days",)),
    "quality_failures": ("days",), "runtime_seconds": ("days",),
}  # fmt: skip
# Names of release 0.1.0 that still work.
OLD = {
    "orders": {"ordered_at": "order_ts", "pieces": "quantity", "reported_on": "load_date"},
    "order_lines": {"ordered_at": "order_ts", "user_city": "city", "user_marketing_source": "marketing_source",
                    "reported_on": "load_date"},
    "events": {"happened_at": "event_ts", "user_city": "city", "user_marketing_source": "marketing_source",
               "reported_on": "load_date"},
    "days": {"day": "load_date", "status": "run_status"},
}  # fmt: skip
COLUMNS = """
    SELECT c.relname AS view, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
           col_description(a.attrelid, a.attnum) AS comment
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'warehouse'::regnamespace AND c.relname = ANY (%s) AND a.attnum > 0
    ORDER BY c.relname, a.attnum
"""
SECRET = re.compile(r"(?:password|pwd|token)['\"]?\s*[=:]|://[^/\s:@]+:[^\s@]+@", re.IGNORECASE)
# As docs/how-to/bi.md and docker/postgres/10-databases.sh give them.
SETTINGS = re.compile(r"ALTER ROLE bi IN DATABASE \S+ SET (\w+) = '?(\w+)'?;")


def columns(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    """Return {view: {column: row}}."""
    found: dict[str, dict[str, Any]] = {view: {} for view in VIEWS}
    for row in warehouse.rows(COLUMNS, list(VIEWS)):
        found[row.view][row.name] = row
    return found


def load(warehouse: Warehouse, *days: date) -> None:
    """Load days of a shop, one rejected line and one personal custom field among them."""
    warehouse.execute(RULES_OFF)
    for field, is_personal in (("gift", False), ("message", True)):
        warehouse.execute(
            "INSERT INTO staging.fields (source, field, place, kind, is_personal, on_fault, description)"
            " VALUES ('orders', %s, 'order', 'text', %s, 'empty', 'x')", field, is_personal,
        )  # fmt: skip
    for day in days:
        told = order(f"told-{day}", day, gift="yes", message="for Anna")
        warehouse.landing.orders(day, [*orders(5, day), told, order(f"bad-{day}", day, price="cheap")])
        warehouse.landing.events(day, events(5, day))
        warehouse.landing.products(day, [product("P-1", category=f"as of {day}")])
        warehouse.run(day)


@pytest.fixture
def bi(warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    """A login as the page on BI tools makes it, in a loaded warehouse, with read-only switched off by hand."""
    load(warehouse, FRIDAY)
    name = f"bi_{warehouse.connection.info.dbname}"
    warehouse.execute(f'CREATE ROLE "{name}" LOGIN IN ROLE warehouse_bi')
    try:
        with psycopg.connect(warehouse.dsn, user=name, autocommit=True, prepare_threshold=None) as connection:
            connection.execute("SET default_transaction_read_only = off")
            yield connection
    finally:
        warehouse.execute(f'DROP OWNED BY "{name}"')
        warehouse.execute(f'DROP ROLE "{name}"')


# -- the login ---------------------------------------------------------------------------------------


def test_a_login_of_a_bi_tool_reads_figures_and_no_raw_rejected_or_personal_data(
    warehouse: Warehouse, bi: psycopg.Connection[Any]
) -> None:
    for view in VIEWS:
        assert bi.execute(sql.SQL("SELECT * FROM warehouse.{}").format(sql.Identifier(view))).rowcount > 0
    assert warehouse.value("SELECT count(*) FROM audit.bad_records") == 1
    allowed = {f"warehouse.{view}" for view in VIEWS} | {
        "warehouse.dim_date", "warehouse.dim_user", "warehouse.dim_product", "warehouse.dim_product_history",
        "warehouse.order_statuses", "warehouse.exchange_rates", "warehouse.daily_metrics",
        "audit.alerts", "audit.health", "audit.day_lines", "audit.day_statuses",
    }  # fmt: skip
    refused = 0
    for row in warehouse.rows(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')"
        " AND relnamespace::regnamespace::text IN ('raw', 'staging', 'shapes', 'warehouse', 'audit')"
    ):
        if row.name in allowed:
            bi.execute(f"SELECT * FROM {row.name} LIMIT 1")
            continue
        with pytest.raises(errors.InsufficientPrivilege):
            bi.execute(f"SELECT * FROM {row.name} LIMIT 1")
        refused += 1
    assert refused > 40, "partitions among them"
    # A custom field that is personal is for those who may read the facts.
    kept = "SELECT attributes FROM {} WHERE order_id = 'told-2025-12-19'"
    for view in ("warehouse.sales", "warehouse.order_lines"):
        assert bi.execute(kept.format(view)).fetchone() == ({"gift": "yes"},)
        analyst = warehouse.connect("warehouse_analyst").execute(kept.format(view)).fetchone()
        assert analyst == ({"gift": "yes", "message": "for Anna"},)
    assert bi.execute("SELECT count(attributes) FROM warehouse.sales").fetchone() == (1,)
    # A view of an analyst's is read when the analyst says so; it shows no more.
    analysts = warehouse.connect("warehouse_analyst")
    analysts.execute("CREATE VIEW marts.told AS SELECT order_id, attributes FROM warehouse.sales")
    with pytest.raises(errors.InsufficientPrivilege):
        bi.execute("SELECT * FROM marts.told")
    analysts.execute("GRANT SELECT ON marts.told TO warehouse_bi")
    assert bi.execute(kept.format("marts.told")).fetchone() == ({"gift": "yes"},)


WRITES = (
    "CREATE TABLE marts.mine (a text)", "CREATE TABLE public.mine (a text)", "CREATE VIEW marts.mine AS SELECT 1",
    "CREATE MATERIALIZED VIEW marts.mine AS SELECT 1", "CREATE TEMPORARY TABLE mine (a text)",
    "CREATE TEMPORARY VIEW mine AS SELECT 1", "CREATE SCHEMA mine", "SELECT 1 INTO TEMPORARY mine",
    "CREATE FUNCTION pg_temp.mine() RETURNS integer LANGUAGE sql RETURN 1",
    "UPDATE warehouse.daily_metrics SET revenue = 0", "DELETE FROM warehouse.dim_user",
    "TRUNCATE warehouse.dim_product", "DELETE FROM warehouse.fact_orders",
    "INSERT INTO warehouse.order_statuses VALUES ('mine', true, 'x')", "DELETE FROM audit.bad_records",
    "UPDATE audit.settings SET value = '0'", "INSERT INTO staging.codes VALUES ('order_status', 'x', 'paid')",
    "CALL warehouse.run_day('2025-12-19')", "CALL audit.allow_day('2025-12-19', 'x')", "SELECT audit.order_story('x')",
    "SELECT audit.day_story('2025-12-19')", "CALL audit.erase_user('U-1', 'x')", "SET ROLE warehouse_analyst",
    "SET ROLE warehouse_owner", "DO $$ BEGIN LOCK TABLE warehouse.dim_user IN ACCESS EXCLUSIVE MODE; END $$",
    "COPY (SELECT 1) TO '/tmp/mine'", "SET temp_file_limit = -1",
)  # fmt: skip


def test_a_login_of_a_bi_tool_writes_nothing_though_it_switches_read_only_off(bi: psycopg.Connection[Any]) -> None:
    assert bi.execute("SHOW transaction_read_only").fetchone() == ("off",)
    for statement in WRITES:
        with pytest.raises(errors.InsufficientPrivilege):
            bi.execute(statement)  # type: ignore[arg-type]


def test_each_login_of_a_bi_tool_is_read_only_with_limits(warehouse: Warehouse) -> None:
    """What the page and the compose file give it, as a new session has it. A role's settings are not inherited."""
    page = SETTINGS.findall((PROJECT / "docs" / "how-to" / "bi.md").read_text(encoding="utf-8"))
    script = (PROJECT / "docker" / "postgres" / "10-databases.sh").read_text(encoding="utf-8")
    assert dict(page) == dict(SETTINGS.findall(script)) == {
        "default_transaction_read_only": "on", "statement_timeout": "5min", "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "2min", "temp_file_limit": "10GB",
    }  # fmt: skip
    database = warehouse.connection.info.dbname
    name = f"bi_{database}"
    warehouse.execute(f'CREATE ROLE "{name}" LOGIN IN ROLE warehouse_bi')
    try:
        for setting, value in page:
            warehouse.execute(f'ALTER ROLE "{name}" IN DATABASE "{database}" SET {setting} = \'{value}\'')
        with psycopg.connect(warehouse.dsn, user=name, autocommit=True) as connection:
            for setting, value in page:
                assert connection.execute(f"SHOW {setting}").fetchone() == (value,)  # type: ignore[arg-type]
            with pytest.raises(errors.ReadOnlySqlTransaction):
                connection.execute("CREATE TABLE mine (a text)")
            connection.execute("SET statement_timeout = '1ms'")
            with pytest.raises(errors.QueryCanceled, match="statement timeout"):
                connection.execute("SELECT count(*) FROM generate_series(1, 100000000)")
    finally:
        warehouse.execute(f'DROP ROLE "{name}"')


# -- the views ---------------------------------------------------------------------------------------


def test_one_thing_has_one_name_and_one_type_in_all_views(warehouse: Warehouse) -> None:
    found = columns(warehouse)
    for view in VIEWS:
        old = OLD.get(view, {})
        assert set(found[view]) - set(old) == {name for name, views in THINGS.items() if view in views}
        # The old ones come last.
        assert list(found[view])[-len(old) :] == list(old) or not old
        for name, new in old.items():
            assert found[view][name].comment == f"Old name of {new}: use that"
            assert found[view][name].type == found[view][new].type
    for name, views in THINGS.items():
        assert len({found[view][name].type for view in views}) == 1, name
    # And the name that the facts and dimensions have.
    tables = warehouse.rows(
        "SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a"
        " WHERE a.attrelid = ANY ('{warehouse.fact_orders, warehouse.fact_events, warehouse.dim_user,"
        " warehouse.dim_product, warehouse.dim_date}'::regclass[]) AND a.attnum > 0"
    )
    types = {row.name: row.type for row in tables}
    for name in ("order_ts", "event_ts", "city", "marketing_source", "category", "load_date", "date_id", *CALENDAR):
        assert found[THINGS[name][0]][name].type == types[name]


def test_money_says_its_currency_and_dates_whose_they_are(warehouse: Warehouse) -> None:
    found = columns(warehouse)
    money = ("revenue", "net_revenue", "discount", "tax", "shipping", "refunded", "unit_price", "catalogue_price_then")
    for view in VIEWS:
        for name in set(money) & set(found[view]):
            assert found[view][name].comment.find("in the warehouse's currency") > 0, (view, name)
        for name in set(CALENDAR) & set(found[view]):
            day = {"events": "event_date", "days": "load_date"}.get(view, "order_date")
            assert day in found[view][name].comment or name == "iso_year", (view, name)
    for name in ("order_date", "event_date"):
        assert "setting time_zone" in found[THINGS[name][0]][name].comment


def test_the_views_agree_and_old_names_say_the_same(warehouse: Warehouse) -> None:
    load(warehouse, FRIDAY, FRIDAY + timedelta(1))
    for view, old in OLD.items():
        for name, new in old.items():
            assert warehouse.value(f"SELECT count(*) FROM warehouse.{view} WHERE {name} IS DISTINCT FROM {new}") == 0
    # A day's figures by each of the views that have them.
    revenue = "SELECT load_date, sum(net_revenue) FROM warehouse.{} GROUP BY 1 ORDER BY 1"
    by_day = warehouse.rows(revenue.format("days"))
    assert len(by_day) == 2
    for view in ("sales", "orders", "order_lines"):
        assert warehouse.rows(revenue.format(view)) == by_day, view
    shared = sorted(name for name, views in THINGS.items() if set(LINES) <= set(views))
    row = ", ".join(shared)
    assert warehouse.value("SELECT count(*) FROM warehouse.sales") == 12
    assert warehouse.rows(f"SELECT {row} FROM warehouse.sales ORDER BY order_id, line_number") == warehouse.rows(
        f"SELECT {row} FROM warehouse.order_lines WHERE counts_as_sale ORDER BY order_id, line_number"
    )
    whole = "SELECT order_id, date_id, order_ts, city, order_date, year, week, sum(revenue) FROM warehouse.{}"
    grouped = f"{whole} GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1"
    assert warehouse.rows(grouped.format("orders")) == warehouse.rows(grouped.format("order_lines"))
    assert warehouse.rows(
        "SELECT DISTINCT load_date, category, category_then FROM warehouse.order_lines"
        " WHERE product_id = 'P-1' ORDER BY 1"
    ) == [
        (FRIDAY, "as of 2025-12-20", "as of 2025-12-19"),
        (FRIDAY + timedelta(1), "as of 2025-12-20", "as of 2025-12-20"),
    ]


def test_the_days_of_sales_are_the_shops(warehouse: Warehouse) -> None:
    warehouse.execute("UPDATE audit.settings SET value = 'America/New_York' WHERE name = 'time_zone'")
    warehouse.execute(RULES_OFF)
    late = order("O-1", FRIDAY, timestamp="2025-12-20T03:30:00Z")  # half past ten in the evening, there
    warehouse.landing.orders(FRIDAY, [late])
    warehouse.landing.events(FRIDAY, events(1, FRIDAY))
    warehouse.run(FRIDAY)
    for view in ("sales", "orders", "order_lines"):
        assert warehouse.row(
            f"SELECT order_date, date_id, year, quarter, month, month_name, iso_year, week, day_of_week, day_name,"
            f" is_weekend FROM warehouse.{view}"
        ) == (FRIDAY, 20251219, 2025, 4, 12, "December", 2025, 51, 5, "Friday", False)


def plan(warehouse: Warehouse, query: str) -> str:
    """Return the plan of a query, as text."""
    return "\n".join(row[0] for row in warehouse.rows(f"EXPLAIN {query}"))


def test_a_filter_by_day_reads_that_days_partitions_and_no_dimension_that_is_not_asked_for(
    warehouse: Warehouse,
) -> None:
    load(warehouse, FRIDAY, FRIDAY + timedelta(1))
    for view, fact in (("sales", "orders"), ("orders", "orders"), ("order_lines", "orders"), ("events", "events")):
        what = "count(*)" if view == "events" else "sum(net_revenue)"
        for where in ("date_id = 20251219", "date_id BETWEEN 20251201 AND 20251219", f"load_date = '{FRIDAY}'"):
            shown = plan(warehouse, f"SELECT {what} FROM warehouse.{view} WHERE {where}")
            assert f"fact_{fact}_p_2025_12_19" in shown, (view, where)
            assert f"fact_{fact}_p_2025_12_20" not in shown, (view, where)
            assert "dim_user" not in shown
            assert "fields" not in shown
            assert "dim_product " not in shown or view == "order_lines"
    both = plan(warehouse, "SELECT sum(net_revenue) FROM warehouse.sales WHERE order_date = '2025-12-19'")
    assert "fact_orders_p_2025_12_20" in both, "the page says that a filter by order_date reads all partitions"


# What an analyst of release 0.1.0 built and typed, in the names of then.
AS_THEN = {
    "orders": "order_id, ordered_at, order_date, pieces, revenue, reported_on",
    "order_lines": "order_id, line_number, ordered_at, user_city, user_marketing_source, product_name, category, brand,"
    " catalogue_price_then, revenue, reported_on",
    "sales": "order_id, line_number, order_ts, city, product_name, category, revenue, load_date",
    "events": "event_id, happened_at, user_city, user_marketing_source, category, reported_on",
    "days": "day, status, delivered, revenue",
}  # fmt: skip


def test_what_was_built_on_the_views_of_release_0_1_0_keeps_its_columns_and_values(
    warehouse: Warehouse, server: EmbeddedServer
) -> None:
    name = f"{warehouse.connection.info.dbname}_0001"
    dsn = psycopg.conninfo.make_conninfo(warehouse.dsn, dbname=name)
    warehouse.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
    try:
        restore = [server.binaries() / "pg_restore", "-d", dsn, RELEASES / "0001.dump"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        subprocess.run(restore, env=environment, check=True, timeout=120)

        def seen(schema: str, *views: str) -> dict[str, list[Any]]:
            with psycopg.connect(dsn) as connection:
                return {
                    view: connection.execute(f"SELECT {AS_THEN[view]} FROM {schema}.{view} ORDER BY 1, 2").fetchall()
                    for view in views
                }

        before = seen("warehouse", *AS_THEN)
        assert all(before.values())
        # Views on order lines have to be dropped for the upgrade and made again (WH004 of revision 0010).
        with psycopg.connect(dsn) as connection:
            for view in ("events", "days"):
                connection.execute(f"CREATE VIEW marts.{view} AS SELECT {AS_THEN[view]} FROM warehouse.{view}")
        upgrade(dsn)
        assert seen("marts", "events", "days") == {view: before[view] for view in ("events", "days")}
        typed = seen("warehouse", *AS_THEN)
        # The catalogue of the day is under a name of its own now.
        assert {view: rows for view, rows in typed.items() if view != "order_lines"} == {
            view: rows for view, rows in before.items() if view != "order_lines"
        }
        assert [row[:5] for row in typed["order_lines"]] == [row[:5] for row in before["order_lines"]]
    finally:
        warehouse.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


# -- the files ---------------------------------------------------------------------------------------


def test_the_files_for_the_tools_name_what_is_there_and_hold_no_secret(warehouse: Warehouse) -> None:
    found = columns(warehouse)
    wanted = {view: set(found[view]) - set(OLD.get(view, {})) for view in VIEWS}
    (connection,) = json.loads((FILES / "warehouse.pbids").read_text(encoding="utf-8"))["connections"]
    assert connection["details"]["protocol"] == "postgresql"
    assert connection["details"]["address"]["database"] == "ecommerce_warehouse"
    assert {path.stem for path in (FILES / "tableau").glob("*.tds")} == set(VIEWS)
    for path in (FILES / "tableau").glob("*.tds"):
        root = ElementTree.parse(path).getroot()
        (relation,) = root.iter("relation")
        assert relation.get("table") == f"[warehouse].[{path.stem}]"
        assert {str(column.get("name"))[1:-1] for column in root.findall("column")} == wanted[path.stem], path.name
        named = [element.attrib for element in root.iter("connection") if element.get("class") == "postgres"]
        assert [(one["dbname"], one["sslmode"]) for one in named] == [("ecommerce_warehouse", "require")]
    for path in FILES.rglob("*"):
        if path.is_file():
            assert not SECRET.search(path.read_text(encoding="utf-8")), path.name


def superset(folder: str) -> dict[str, Any]:
    """Return {file: content} of a folder of Superset's assets."""
    files = sorted((FILES / "superset" / folder).rglob("*.yaml"))
    return {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}


def test_supersets_assets_fit_together_and_name_what_is_there(warehouse: Warehouse) -> None:
    found = columns(warehouse)
    (database,) = superset("databases").values()
    datasets = superset("datasets")
    assert {one["table_name"] for one in datasets.values()} == set(VIEWS)
    for one in datasets.values():
        view = one["table_name"]
        assert (one["schema"], one["database_uuid"]) == ("warehouse", database["uuid"])
        assert {column["column_name"] for column in one["columns"]} == set(found[view]) - set(OLD.get(view, {}))
        assert one["main_dttm_col"] in found[view]
        for metric in one["metrics"]:
            warehouse.rows(f"SELECT {metric['expression']} FROM warehouse.{view}")
    charts = superset("charts")
    assert charts
    for chart in charts.values():
        assert chart["dataset_uuid"] in {one["uuid"] for one in datasets.values()}
    (dashboard,) = superset("dashboards").values()
    placed = {str(part["meta"]["uuid"]) for part in dashboard["position"].values()
              if isinstance(part, dict) and part.get("type") == "CHART"}  # fmt: skip
    assert placed == {chart["uuid"] for chart in charts.values()}

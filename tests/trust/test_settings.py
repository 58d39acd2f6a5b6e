"""The numbers do not depend on who loads them: settings, hostile paths, plans, locales, PostgreSQL 15 or 18.

One small shop, with what such things could change: spellings in capitals, dates that read two ways, ids and file names
whose order depends on the locale, numbers of many digits. It is delivered and loaded from sessions that have odd
settings before anything is run; what all tables hold then has one digest, the same in every test and on every server.
"""

import hashlib
import os
from datetime import date, timedelta

import psycopg
import pytest
from psycopg import errors, sql
from pytest_postgresql.executors.noop import NoopExecutor

from ops.migrate import upgrade
from tests.conftest import Warehouse
from tests.shop import Landing, basket, event, events, item, order, orders, product
from trust.soak import COLUMNS, METRICS

# Of what the shop below must become. Whoever changes the shop, or on purpose what it becomes, writes it anew.
DIGEST = "8a174ed7269a7247"

CONTENTS = COLUMNS | {
    "warehouse.daily_metrics": METRICS,
    "audit.bad_records": "run_date, source_table, file_name, line_number, item_number, record_id, failure_reason,"
    " failed_value, raw_data, line_count",
    "audit.day_profile": "run_date, measure, kind, value, of",
    "audit.day_codes": "run_date, kind, code, rows",
    "audit.dq_results": "run_date, rule_name, passed, failed_count, checked_count, observed, message, sample",
}

DAY = date(2025, 3, 4)
WEEKS = [DAY - timedelta(weeks=n) for n in (4, 3, 2, 1)]

# Two kinds at a time: where they do not meet, one run says what two would.
SETTINGS = {
    "none": {},
    "zones, forms, old ways; plans of hashes and sorts": {
        "TimeZone": "Pacific/Kiritimati", "DateStyle": "German, DMY", "IntervalStyle": "sql_standard",
        "extra_float_digits": "-15", "bytea_output": "escape", "lc_messages": "C", "lc_numeric": "POSIX",
        "standard_conforming_strings": "off", "escape_string_warning": "off", "backslash_quote": "on",
        "quote_all_identifiers": "on", "transform_null_equals": "on", "array_nulls": "off", "xmloption": "document",
        "check_function_bodies": "off", "row_security": "off", "client_encoding": "LATIN1",
        "jit": "on", "jit_above_cost": "500",
        "enable_nestloop": "off", "enable_bitmapscan": "off", "enable_indexonlyscan": "off",
        "enable_partition_pruning": "off", "constraint_exclusion": "off", "geqo_threshold": "2",
        "join_collapse_limit": "1", "from_collapse_limit": "1", "plan_cache_mode": "force_generic_plan",
    },
    "a hostile path, strict transactions; plans of loops in little memory": {
        "search_path": "evil, pg_catalog, public", "default_transaction_isolation": "serializable",
        "default_transaction_deferrable": "on", "synchronous_commit": "off",
        "enable_hashjoin": "off", "enable_mergejoin": "off", "enable_hashagg": "off", "enable_sort": "off",
        "enable_seqscan": "off", "enable_material": "off", "work_mem": "64kB", "temp_buffers": "100",
        "maintenance_work_mem": "1MB", "plan_cache_mode": "force_custom_plan", "cursor_tuple_fraction": "0.0001",
    },
    "plans in parallel": {
        "parallel_setup_cost": "0", "parallel_tuple_cost": "0", "min_parallel_table_scan_size": "0",
        "min_parallel_index_scan_size": "0", "max_parallel_workers_per_gather": "2",
        "enable_partitionwise_join": "on", "enable_partitionwise_aggregate": "on",
    },
}  # fmt: skip
FORCED_PARALLEL = {15: "force_parallel_mode", 16: "debug_parallel_query"}

# All of these would be taken for PostgreSQL's own wherever a name does not say its schema.
EVIL = """
    CREATE SCHEMA evil;
    CREATE FUNCTION evil.caught() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'taken in by a path'; END $$;
    CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT NULL::timestamptz FROM evil.caught() $$;
    CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT evil.now() $$;
    CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' FROM evil.caught() $$;
    CREATE FUNCTION evil.format(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' FROM evil.caught() $$;
    CREATE FUNCTION evil.to_char(date, text) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' FROM evil.caught() $$;
    CREATE FUNCTION evil.isfinite(date) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.caught() $$;
    CREATE FUNCTION evil.cardinality(text[]) RETURNS integer LANGUAGE sql AS $$ SELECT 0 FROM evil.caught() $$;
    CREATE FUNCTION evil.pg_sleep(double precision) RETURNS void LANGUAGE sql AS $$ SELECT FROM evil.caught() $$;
    CREATE TABLE evil.orders_clean (x integer);
    CREATE TABLE evil.codes (x integer);
    CREATE TABLE evil.pg_class (x integer);
    CREATE DOMAIN evil.date AS integer CHECK (evil.caught());
    CREATE DOMAIN evil.text AS integer CHECK (evil.caught());
    CREATE DOMAIN evil.timestamptz AS integer CHECK (evil.caught());
    CREATE DOMAIN evil.regproc AS integer CHECK (evil.caught());
"""
EVIL_OPERATOR = """
    CREATE FUNCTION evil.{function}(pg_catalog.{kind}, pg_catalog.{kind}) RETURNS pg_catalog.{result}
    LANGUAGE sql AS $$ SELECT NULL::pg_catalog.{result} FROM evil.caught() $$;
    CREATE OPERATOR evil.{name} (FUNCTION = evil.{function}, LEFTARG = pg_catalog.{kind}, RIGHTARG = pg_catalog.{kind});
"""


@pytest.fixture
def landing_of_the_shop(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    """The files of the shop."""
    landing = Landing(tmp_path_factory.mktemp("shop"))
    for day in WEEKS:
        landing.orders(day, orders(6, day))
        landing.events(day, events(4, day))
    landing.products(WEEKS[0], [product(f"P-{n}", current_price=f"{n}.10") for n in range(9)])

    capitals = {"status": "SHIPPED", "city": "İstanbul", "marketing_source": "ÇIKIŞ"}
    landing.orders(DAY, [
        order("O-1", DAY, price="0.30000000000000004", **capitals),
        order("o-1", DAY, timestamp="2025-03-04 02:30:00", user_id="u-1", status="PENDİNG"),
        order("Ö-1", DAY, timestamp="2025-03-03T23:30:00.1234567-00:30", user_id="Ü-1", status="In Progress"),
        order("O_1", DAY, timestamp="2025-03-04", price=1e2, user_id="U-1", city="Ærø", signup_date="2024-02-03"),
        basket("O-2", [item(), item("P-100", 2, 5), item("P-2", 0), item(price="-1")], DAY, user_id=None),
        order("O-3", DAY, timestamp="04.03.2025 10:00"), order("O-4", DAY, timestamp="2025-03-04T23:59:59-00:30"),
        order(f"O-{WEEKS[3]}-1", WEEKS[3], status="Refund", price="12.10"),
        order(f"O-{WEEKS[2]}-1", WEEKS[2]),
    ], name="B.json")  # fmt: skip
    landing.orders(
        DAY, [order("O-1", DAY, city="Aarhus"), order("O-5", DAY, note="\\'; DROP TABLE x; --")], name="a.json"
    )
    landing.orders(
        DAY, [order("o-1", DAY, user_id="U\\-1"), order("O-5", DAY, user_id="Z-1", city="")], name="ä.ndjson"
    )
    landing.events(DAY, [
        event("E-1", DAY, event_type="PAGE_VIEW"), event("E-2", DAY, event_type="CLICK ME, İ AND I"),
        event("e-2", DAY, event_type="ÜBERSICHT", event_ts="2025-03-04T05:45:00+05:45"),
        event("E-3", DAY, event_ts="2025-03-04 00:00:00"), event("E-3", DAY, event_ts="2025-03-04T00:00:00Z"),
        event("E-4", DAY, event_ts="3/4/2025"), event(f"E-{WEEKS[3]}-1", WEEKS[3], user_id="\\x41"),
    ])  # fmt: skip
    landing.products(
        DAY, [product("P-1", product_name="IĞDIR", current_price="1e1"), product("p-1", current_price=0.1)]
    )
    return landing


def load(warehouse: Warehouse, landing: Landing) -> str:
    """Deliver and load the shop, with a day of which less comes again, and a month compacted. Return the digest."""
    loaded = Warehouse(warehouse.dsn, warehouse.connection, landing)
    # The good lines of the order with bad ones are loaded, too.
    session = loaded.connect()
    session.execute("UPDATE audit.settings SET value = '1' WHERE name OPERATOR(pg_catalog.=) 'partial_orders'")
    # A catalogue of nine products becomes one of two.
    session.execute(
        "UPDATE audit.dq_rules SET severity = 'warning' WHERE rule_name OPERATOR(pg_catalog.=) 'products_shrink'"
    )
    for day in [*WEEKS, DAY]:
        loaded.deliver(day)
    session.execute("SET default_transaction_read_only = on")  # for steps begin transactions of their own
    session.execute("CALL warehouse.run_range('2025-02-01', '2025-03-31')")
    session.execute("CALL warehouse.compact_partitions('2025-03-01')")
    landing.orders(
        DAY, [order("O-1", DAY), order(f"O-{WEEKS[2]}-1", WEEKS[2]), order("o-9", DAY, price="?")], name="B.json"
    )
    landing.orders(WEEKS[1], orders(7, WEEKS[1], status="Paid"))
    for day in (DAY, WEEKS[1]):
        loaded.deliver(day)
        session.execute("CALL warehouse.run_day(%s)", [day])
    session.close()
    return digest(warehouse.dsn)


def digest(dsn: str) -> str:
    """Return a digest of what the tables hold, read by a session whose own settings are fixed."""
    fixed = (
        "-c TimeZone=UTC -c DateStyle=ISO -c search_path=pg_catalog -c client_encoding=UTF8 -c IntervalStyle=postgres"
    )
    found = hashlib.sha256()
    with psycopg.connect(dsn, options=fixed) as connection:
        for table, columns in CONTENTS.items():
            rows = connection.execute(f"SELECT {columns} FROM {table}").fetchall()
            assert rows, f"{table} is empty: it would prove nothing"
            found.update("\n".join([table, *sorted(map(repr, rows))]).encode())
    return found.hexdigest()[:16]


# That 15 and 18 make the same of it, the plainest says on both.
ON_EVERY_VERSION = ("none",)


@pytest.mark.parametrize(
    "name", [name if name in ON_EVERY_VERSION else pytest.param(name, marks=pytest.mark.once) for name in SETTINGS]
)
def test_the_settings_of_who_loads_change_nothing(
    warehouse: Warehouse, landing_of_the_shop: Landing, name: str
) -> None:
    """They hold for every session of the database, those of glue too."""
    settings = dict(SETTINGS[name])
    version = warehouse.connection.info.server_version // 10000
    if name == "plans in parallel":
        settings[FORCED_PARALLEL[min(version, 16)]] = "on"
    if "search_path" in settings:
        warehouse.execute(EVIL)
        for number, name in enumerate(("=", "<>", "<", ">", "<=", ">=", "-", "+")):
            for kind in ("text", "date", "int4", "int8", "numeric", "timestamptz"):
                result = kind if name in "-+" else "bool"
                warehouse.execute(
                    EVIL_OPERATOR.format(function=f"{kind}_{number}", kind=kind, result=result, name=name)
                )
    for setting, value in settings.items():
        # A list is given as a list: quoted as one it would be one name.
        literal = sql.SQL(value) if setting == "search_path" else sql.Literal(value)
        warehouse.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                sql.Identifier(warehouse.connection.info.dbname), sql.Identifier(setting), literal
            )
        )
    assert load(warehouse, landing_of_the_shop) == DIGEST


# The builtin one is that of all other tests, from 17 on.
LOCALES = {
    "bytes": "LOCALE 'C'",
    "Turkish": "LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C.UTF-8'",
}


@pytest.mark.parametrize("name", [pytest.param("bytes", marks=pytest.mark.once), "Turkish"])
def test_the_locale_of_the_database_changes_nothing(
    warehouse_template: NoopExecutor, landing_of_the_shop: Landing, name: str
) -> None:
    """Not even one in which the small letter of I has no dot."""
    address = {"host": warehouse_template.host, "port": warehouse_template.port, "user": warehouse_template.user}
    database = sql.Identifier(f"locale_{name.lower()}_{os.getpid()}")
    with psycopg.connect(dbname="postgres", autocommit=True, **address) as connection:
        try:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ").format(database) + sql.SQL(LOCALES[name])
            )
        except (errors.FeatureNotSupported, errors.SyntaxError, errors.InvalidParameterValue) as error:
            pytest.skip(f"this server has no such locale: {error}")
        try:
            dsn = psycopg.conninfo.make_conninfo(dbname=database._obj[0], **address)
            upgrade(dsn)
            warehouse = Warehouse(dsn, None, landing_of_the_shop)
            assert load(warehouse, landing_of_the_shop) == DIGEST
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))

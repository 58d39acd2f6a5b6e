"""The floor into the tables of a warehouse: raw, staging, dimensions and facts as they are kept, and nothing checked.

It gets the floor's deliveries and casts, and makes partitions as a day does: with WAL, all columns, indexes, foreign
keys and statistics. Nothing is rejected, told apart, explained, judged or summed up, and no file is remembered. So it
says what of a day's cost lies in what is kept, and what in how it gets there.
"""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import psycopg

from bench.floor import COPY_EVENTS, COPY_ORDERS, TYPED_EVENTS, TYPED_ORDERS, copy_file
from bench.measure import BenchError, Cost, Server

DELIVERED = """
    ALTER TABLE raw.orders_json
        ALTER run_date SET DEFAULT %(day)s, ALTER load_id SET DEFAULT 1, ALTER line_number SET DEFAULT 1;
    ALTER TABLE raw.events_csv
        ALTER run_date SET DEFAULT %(day)s, ALTER load_id SET DEFAULT 1, ALTER line_number SET DEFAULT 1;
    SELECT raw.prepare_month(%(day)s)
"""
RAW_ORDERS = COPY_ORDERS.replace("orders", "raw.orders_json (raw_json)")
RAW_EVENTS = COPY_EVENTS.replace("events", "raw.events_csv (event_id, user_id, product_id, event_type, event_ts)")
# Reports that a later one of the file replaces: an index that proves uniqueness does not take them.
REPEATED = """
    SET session_replication_role = replica;
    DELETE FROM raw.orders_json o
    USING (SELECT r.ctid,
                  row_number() OVER (PARTITION BY r.raw_json ->> 'order_id' ORDER BY r.raw_orders_id DESC) AS nth
           FROM raw.orders_json r) AS r
    WHERE o.ctid = r.ctid AND r.nth > 1;
    DELETE FROM raw.events_csv e
    USING (SELECT r.ctid, row_number() OVER (PARTITION BY r.event_id, r.event_ts ORDER BY r.raw_events_id DESC) AS nth
           FROM raw.events_csv r) AS r
    WHERE e.ctid = r.ctid AND r.nth > 1;
    RESET session_replication_role
"""
ORDER_IDS = "o.raw_orders_id, o.raw_orders_id * 1000000 + coalesce(i.line_number, 1) AS staging_orders_id, "
EVENT_IDS = "raw_events_id, raw_events_id AS staging_events_id, "
# All columns of a table, of a query q that has some of them.
COLUMNS = """
    SELECT string_agg(
        CASE WHEN a.attname IN ('created_at', 'updated_at') THEN 'now()'
             WHEN a.attname = ANY (%(given)s) THEN format('q.%%I::%%s', a.attname, format_type(a.atttypid, a.atttypmod))
             ELSE format('NULL::%%s', format_type(a.atttypid, a.atttypmod)) END
        || CASE WHEN c.collname = 'C' THEN ' COLLATE "C"' ELSE '' END || format(' AS %%I', a.attname), ', ')
    FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = a.attcollation
    WHERE a.attrelid = %(table)s::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""
FACTS = "SELECT warehouse._facts_of_day(%s, %s, %s)"
BUILD = "SELECT warehouse._build_partition(%(table)s, %(table)s || '_day', %(day)s, %(day)s::date + 1, %(query)s)"
ATTACH = "ALTER TABLE {0} ATTACH PARTITION {0}_day FOR VALUES FROM (%s) TO (%s)"
DATES = "SELECT warehouse._load_dim_date(%s)"
USERS = """
    INSERT INTO warehouse.dim_user (user_id, city, signup_date, marketing_source, first_seen_at, last_seen_at,
                                    is_inferred)
    SELECT s.user_id, max(s.city), max(s.signup_date), max(s.marketing_source), min(s.seen_at), max(s.seen_at), false
    FROM (SELECT user_id, city, signup_date, marketing_source, order_ts AS seen_at FROM staging.orders_clean
          UNION ALL SELECT user_id, NULL, NULL, NULL, event_ts FROM staging.events_clean) AS s
    WHERE s.user_id IS NOT NULL
    GROUP BY s.user_id
"""
PRODUCTS = """
    INSERT INTO warehouse.dim_product (product_id, is_inferred)
    SELECT product_id, true FROM staging.orders_clean
    UNION SELECT product_id, true FROM staging.events_clean WHERE product_id IS NOT NULL
"""
ALL_THERE = """
    SELECT (SELECT count(*) FROM raw.events_csv) = (SELECT count(*) FROM warehouse.fact_events)
       AND (SELECT count(*) FROM raw.orders_json) = (SELECT count(DISTINCT order_id) FROM warehouse.fact_orders)
"""


def steps(server: Server, landing: Path, day: date) -> dict[str, Cost]:
    """Measure it for the clean deliveries of a day, in an empty warehouse of its own; by the steps of a day."""
    with server.warehouse("bench_unchecked") as dbname, psycopg.ClientCursor(server.connect(dbname)) as cursor:

        def build(table: str, query: str) -> None:
            cursor.execute(BUILD, {"table": table, "day": day, "query": query})
            cursor.execute(ATTACH.format(table), [day, day + timedelta(days=1)])

        def clean(table: str, query: str) -> None:
            typed = cursor.mogrify(query, {"day": day})
            given = [column.name for column in cursor.execute(f"{typed} LIMIT 0").description or ()]
            (columns,) = cursor.execute(COLUMNS, {"table": table, "given": given}).fetchone()
            build(table, f"SELECT {columns} FROM ({typed}) AS q")

        def reload(facts: str, view: str, cleaned: str) -> None:
            (query,) = cursor.execute(FACTS, [f"staging.{view}", f"staging.{cleaned}", day]).fetchone()
            build(f"warehouse.{facts}", query)

        orders, events = (landing / source / f"{day}" for source in ("orders", "events"))
        typed_orders = TYPED_ORDERS.format(ids=ORDER_IDS, table="raw.orders_json")
        typed_events = TYPED_EVENTS.format(ids=EVENT_IDS, table="raw.events_csv")
        works: dict[str, Callable[[], object]] = {
            "extract_orders": lambda: copy_file(cursor, RAW_ORDERS, orders / "orders.ndjson"),
            "extract_events": lambda: copy_file(cursor, RAW_EVENTS, events / "events.csv"),
            "clean_orders": lambda: clean("staging.orders_clean", typed_orders),
            "clean_events": lambda: clean("staging.events_clean", typed_events),
            "load_dim_date": lambda: cursor.execute(DATES, [day]),
            "load_dim_user": lambda: cursor.execute(USERS),
            "load_dim_product": lambda: cursor.execute(PRODUCTS),
            "reload_fact_orders": lambda: reload("fact_orders", "order_facts", "orders_clean"),
            "reload_fact_events": lambda: reload("fact_events", "event_facts", "events_clean"),
        }
        cursor.execute(DELIVERED, {"day": day})
        costs = {}
        for name, work in works.items():
            if name == "clean_orders":
                cursor.execute(REPEATED)  # not measured: to tell reports apart is a check
            costs[name] = server.measure(dbname, lambda work=work: work() and None)
        if not cursor.execute(ALL_THERE).fetchone()[0]:
            raise BenchError("unchecked: some orders or events did not arrive at the facts")
        cursor.connection.close()
    return costs

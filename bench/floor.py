"""What PostgreSQL needs just to move the data three times: COPY, typed, facts. No checks, no indexes, no WAL of rows.

It gets the same deliveries without their dirty rows (about 0.3 %), on which plain casts would end. It computes nothing
that is not a column: no duplicates, no rejections, no dimensions, no metrics.
"""

from datetime import date
from pathlib import Path

import psycopg

from bench.measure import Cost, Server

BLOCK_BYTES = 1 << 20

TABLES = """
    CREATE UNLOGGED TABLE orders (raw_json json);
    CREATE UNLOGGED TABLE events (event_id text, user_id text, product_id text, event_type text, event_ts text)
"""
# A line that CSV takes as one field, whatever is in it.
COPY_ORDERS = r"COPY orders FROM STDIN (FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01')"
COPY_EVENTS = "COPY events FROM STDIN (FORMAT csv, HEADER)"
TYPED_ORDERS = """
    SELECT {ids}%(day)s::date AS load_date, r.order_id, coalesce(i.line_number, 1)::integer AS line_number, r.user_id,
           coalesce(i.product_id, r.product_id) AS product_id, coalesce(i.quantity, r.quantity) AS quantity,
           coalesce(i.price, r.price) AS unit_price, coalesce(i.quantity * i.price, r.quantity * r.price) AS revenue,
           r."timestamp" AS order_ts, r.status, coalesce(u.city, r.city) AS city,
           coalesce(u.signup_date, r.signup_date) AS signup_date,
           coalesce(u.marketing_source, r.marketing_source) AS marketing_source
    FROM {table} o
    CROSS JOIN LATERAL json_to_record(o.raw_json)
        AS r (order_id text, user_id text, product_id text, quantity integer, price numeric, "timestamp" timestamptz,
              status text, city text, signup_date date, marketing_source text, "user" json, items json)
    LEFT JOIN LATERAL json_to_record(r."user") AS u (city text, signup_date date, marketing_source text) ON true
    LEFT JOIN LATERAL ROWS FROM (json_to_recordset(r.items) AS (product_id text, quantity integer, price numeric))
        WITH ORDINALITY AS i (product_id, quantity, price, line_number) ON true
"""
TYPED_EVENTS = """
    SELECT {ids}%(day)s::date AS load_date, event_id, user_id, product_id, event_type, event_ts::timestamptz AS event_ts
    FROM {table}
"""
FACT_ORDERS = """
    CREATE UNLOGGED TABLE fact_orders AS
    SELECT order_id, line_number, coalesce(user_id, '(guest)') AS user_id, product_id,
           CASE WHEN order_ts >= %(day)s::date AND order_ts < %(day)s::date + 1 THEN %(date_id)s
                ELSE to_char(order_ts, 'YYYYMMDD')::integer END AS date_id,
           quantity, unit_price, revenue, order_ts, status, load_date
    FROM orders_typed
"""
FACT_EVENTS = """
    CREATE UNLOGGED TABLE fact_events AS
    SELECT event_id, coalesce(user_id, '(guest)') AS user_id, coalesce(product_id, '(none)') AS product_id,
           CASE WHEN event_ts >= %(day)s::date AND event_ts < %(day)s::date + 1 THEN %(date_id)s
                ELSE to_char(event_ts, 'YYYYMMDD')::integer END AS date_id,
           event_type, event_ts, load_date
    FROM events_typed
"""


def steps(server: Server, landing: Path, day: date) -> dict[str, Cost]:
    """Measure the floor for the clean deliveries of a day, in a database of its own."""
    costs = {}
    with server.database("bench_floor") as dbname, psycopg.ClientCursor(server.connect(dbname)) as cursor:
        cursor.execute(TABLES)
        values = {"day": day, "date_id": int(f"{day:%Y%m%d}")}
        for name, statement, file in (
            ("copy_orders", COPY_ORDERS, landing / "orders" / f"{day}" / "orders.ndjson"),
            ("copy_events", COPY_EVENTS, landing / "events" / f"{day}" / "events.csv"),
        ):
            costs[name] = server.measure(
                dbname, lambda statement=statement, file=file: copy_file(cursor, statement, file)
            )
        for name, statement in (
            ("typed_orders", "CREATE UNLOGGED TABLE orders_typed AS" + TYPED_ORDERS.format(ids="", table="orders")),
            ("typed_events", "CREATE UNLOGGED TABLE events_typed AS" + TYPED_EVENTS.format(ids="", table="events")),
            ("fact_orders", FACT_ORDERS), ("fact_events", FACT_EVENTS),
        ):  # fmt: skip
            costs[name] = server.measure(dbname, lambda statement=statement: cursor.execute(statement, values) and None)
        cursor.connection.close()
    return costs


def copy_file(cursor: psycopg.Cursor, statement: str, path: Path) -> None:
    """Send a file to COPY as it is."""
    with path.open("rb") as file, cursor.copy(statement) as copy:
        while block := file.read(BLOCK_BYTES):
            copy.write(block)

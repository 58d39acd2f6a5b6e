"""DuckDB doing the same work from the same files, in a database file of its own: the far bound.

    python -m bench.duck FILE LANDING 2025-12-19 codes.json

It keeps no raw rows, has no indexes or keys, and nobody can read while it writes: it is here to say how fast the work
itself could be.
"""

import json
import sys
from datetime import date
from pathlib import Path

import duckdb

THREADS = 2

SCHEMA = """
    CREATE TABLE IF NOT EXISTS bad_records (load_date date, source text, line_number bigint, record_id text,
        reason text);
    CREATE TABLE IF NOT EXISTS stg_orders (load_date date, order_id text, line_number int, user_id text,
        product_id text,
        quantity int, unit_price decimal(18, 4), revenue decimal(18, 4), order_ts timestamptz, status text, city text,
        signup_date date, marketing_source text);
    CREATE TABLE IF NOT EXISTS stg_events (load_date date, event_id text, user_id text, product_id text,
        event_type text,
        event_ts timestamptz);
    CREATE TABLE IF NOT EXISTS dim_user (user_id text, city text, signup_date date, marketing_source text,
        first_seen_at timestamptz, last_seen_at timestamptz);
    CREATE TABLE IF NOT EXISTS dim_product (product_id text, product_name text, category text, brand text,
        current_price decimal(18, 4));
    CREATE TABLE IF NOT EXISTS fact_orders (order_id text, line_number int, user_id text, product_id text, date_id int,
        quantity int, unit_price decimal(18, 4), revenue decimal(18, 4), order_ts timestamptz, status text,
            load_date date);
    CREATE TABLE IF NOT EXISTS fact_events (event_id text, user_id text, product_id text, date_id int, event_type text,
        event_ts timestamptz, load_date date);
    CREATE TABLE IF NOT EXISTS daily_metrics (run_date date, orders bigint, events bigint, rejected bigint,
        revenue decimal(18, 4));
"""
LOAD = """
    DELETE FROM bad_records WHERE load_date = $day;
    DELETE FROM stg_orders WHERE load_date = $day;
    DELETE FROM stg_events WHERE load_date = $day;

    CREATE TEMP TABLE order_lines AS
    WITH reports AS (
        SELECT row_number() OVER () AS report, *
        FROM read_json($orders, format = 'newline_delimited', ignore_errors = true, columns = {
            order_id: 'VARCHAR', user_id: 'VARCHAR', product_id: 'VARCHAR', quantity: 'VARCHAR', price: 'VARCHAR',
            "timestamp": 'VARCHAR', status: 'VARCHAR', city: 'VARCHAR', signup_date: 'VARCHAR',
                marketing_source: 'VARCHAR',
            "user": 'STRUCT(city VARCHAR, signup_date VARCHAR, marketing_source VARCHAR)',
            items: 'STRUCT(product_id VARCHAR, quantity VARCHAR, price VARCHAR)[]'})
    ),
    lines AS (
        SELECT report, order_id, user_id, "timestamp", status, coalesce("user".city, city) AS city,
               coalesce("user".signup_date, signup_date) AS signup_date,
               coalesce("user".marketing_source, marketing_source) AS marketing_source,
               unnest(coalesce(items, [{product_id: product_id, quantity: quantity, price: price}])) AS item,
               generate_subscripts(coalesce(items, [{product_id: product_id, quantity: quantity, price: price}]),
                   1) AS line_number
        FROM reports
    )
    SELECT l.*, TRY_CAST(l.item.quantity AS INTEGER) AS quantity, TRY_CAST(l.item.price AS DECIMAL(18, 4)) AS price,
           TRY_CAST(l."timestamp" AS TIMESTAMPTZ) AS order_ts, s.canonical_value AS canonical_status,
           CASE WHEN l.order_id IS NULL THEN 'order_id is missing'
                WHEN l.item.product_id IS NULL THEN 'product_id is missing'
                WHEN NOT coalesce(TRY_CAST(l.item.quantity AS INTEGER) > 0, false)
                    THEN 'quantity is not a number above 0'
                WHEN NOT coalesce(TRY_CAST(l.item.price AS DECIMAL(18, 4)) >= 0, false)
                    THEN 'price is not a number of at least 0'
                WHEN s.canonical_value IS NULL THEN 'status is unknown'
                WHEN TRY_CAST(l."timestamp" AS TIMESTAMPTZ) IS NULL THEN 'timestamp is not a time'
                WHEN TRY_CAST(l."timestamp" AS TIMESTAMPTZ)::date NOT BETWEEN $day::date - 400 AND $day::date
                THEN 'timestamp is out of range'
                WHEN l.signup_date IS NOT NULL AND TRY_CAST(l.signup_date AS DATE) IS NULL
                    THEN 'signup_date is not a date'
           END AS problem
    FROM lines l
    LEFT JOIN codes s ON s.kind = 'order_status' AND s.source_value = lower(trim(l.status));

    CREATE TEMP TABLE event_lines AS
    SELECT e.*, coalesce(c.canonical_value, lower(trim(e.event_type))) AS canonical_type, TRY_CAST(e.event_ts
        AS TIMESTAMPTZ) AS happened_at,
           CASE WHEN e.event_id IS NULL THEN 'event_id is missing'
                WHEN e.event_type IS NULL THEN 'event_type is missing'
                WHEN TRY_CAST(e.event_ts AS TIMESTAMPTZ) IS NULL THEN 'event_ts is not a time'
                WHEN TRY_CAST(e.event_ts AS TIMESTAMPTZ)::date NOT BETWEEN $day::date - 400 AND $day::date
                THEN 'event_ts is out of range'
           END AS problem
    FROM (SELECT row_number() OVER () AS report, *
          FROM read_csv($events, header = true, delim = ',', quote = '"', all_varchar = true,
              store_rejects = true)) AS e
    LEFT JOIN codes c ON c.kind = 'event_type' AND c.source_value = lower(trim(e.event_type));

    INSERT INTO bad_records SELECT $day, 'orders', report, order_id, problem FROM order_lines WHERE problem IS NOT NULL;
    INSERT INTO bad_records SELECT $day, 'events', report, event_id, problem FROM event_lines WHERE problem IS NOT NULL;
    INSERT INTO bad_records SELECT $day, 'events', line, NULL, error_message FROM reject_errors;

    INSERT INTO stg_orders
    SELECT $day, order_id, line_number, coalesce(user_id, '(guest)'), item.product_id, quantity, price,
        quantity * price, order_ts,
           canonical_status, city, TRY_CAST(signup_date AS DATE), marketing_source
    FROM (SELECT * FROM order_lines QUALIFY report = max(report) OVER (PARTITION BY order_id)) WHERE problem IS NULL;
    INSERT INTO stg_events
    SELECT $day, event_id, coalesce(user_id, '(guest)'), coalesce(product_id, '(none)'), canonical_type, happened_at
    FROM event_lines WHERE problem IS NULL QUALIFY report = max(report) OVER (PARTITION BY event_id, happened_at);

    CREATE TEMP TABLE catalogue AS SELECT * FROM read_json($products, columns = {product_id: 'VARCHAR',
        product_name: 'VARCHAR',
        category: 'VARCHAR', brand: 'VARCHAR', current_price: 'DECIMAL(18, 4)'});
    CREATE OR REPLACE TABLE dim_product AS
    SELECT * FROM catalogue
    UNION ALL SELECT * FROM dim_product WHERE product_id NOT IN (SELECT product_id FROM catalogue);
    INSERT INTO dim_product (product_id)
    SELECT product_id FROM (SELECT product_id FROM stg_orders WHERE load_date = $day
                            UNION SELECT product_id FROM stg_events WHERE load_date = $day UNION SELECT '(none)')
    WHERE product_id NOT IN (SELECT product_id FROM dim_product);
    CREATE OR REPLACE TABLE dim_user AS
    WITH seen AS (
        SELECT user_id, order_ts AS seen_at, city, signup_date, marketing_source,
               CASE WHEN city IS NOT NULL AND user_id <> '(guest)' THEN order_ts END AS described_at
        FROM stg_orders WHERE load_date = $day
        UNION ALL SELECT user_id, event_ts, NULL, NULL, NULL, NULL FROM stg_events WHERE load_date = $day
        UNION ALL SELECT '(guest)', NULL, NULL, NULL, NULL, NULL
    ),
    today AS (
        SELECT user_id, arg_max(city, described_at) AS city, arg_max(signup_date, described_at) AS signup_date,
               arg_max(marketing_source, described_at) AS marketing_source, min(seen_at) AS first_seen_at,
                   max(seen_at) AS last_seen_at
        FROM seen GROUP BY user_id
    )
    SELECT coalesce(t.user_id, u.user_id) AS user_id, coalesce(t.city, u.city) AS city,
           coalesce(t.signup_date, u.signup_date) AS signup_date,
           coalesce(t.marketing_source, u.marketing_source) AS marketing_source,
           least(t.first_seen_at, u.first_seen_at) AS first_seen_at, greatest(t.last_seen_at, u.last_seen_at)
               AS last_seen_at
    FROM today t FULL JOIN dim_user u ON u.user_id = t.user_id;

    DELETE FROM fact_orders WHERE load_date = $day OR order_id IN (SELECT order_id FROM stg_orders
        WHERE load_date = $day);
    INSERT INTO fact_orders
    SELECT order_id, line_number, user_id, product_id, strftime(order_ts, '%Y%m%d')::int, quantity, unit_price,
        revenue, order_ts,
           status, load_date
    FROM stg_orders WHERE load_date = $day;
    DELETE FROM fact_events f USING stg_events s
    WHERE s.load_date = $day AND f.event_id = s.event_id AND f.event_ts = s.event_ts;
    INSERT INTO fact_events
    SELECT event_id, user_id, product_id, strftime(event_ts, '%Y%m%d')::int, event_type, event_ts, load_date
    FROM stg_events WHERE load_date = $day;

    DELETE FROM daily_metrics WHERE run_date = $day;
    INSERT INTO daily_metrics
    SELECT $day, (SELECT count(*) FROM fact_orders WHERE load_date = $day), (SELECT count(*) FROM fact_events
        WHERE load_date = $day),
           (SELECT count(*) FROM bad_records WHERE load_date = $day), (SELECT sum(revenue) FROM fact_orders
               WHERE load_date = $day)
"""
CHECKS = (
    "SELECT count(*) FROM stg_orders WHERE load_date = $day"
    " AND (quantity <= 0 OR unit_price < 0 OR revenue <> quantity * unit_price)",
    "SELECT count(*) FROM (SELECT 1 FROM stg_orders WHERE load_date = $day GROUP BY order_id, line_number"
    " HAVING count(*) > 1)",
    "SELECT count(*) FROM (SELECT 1 FROM stg_events WHERE load_date = $day GROUP BY event_id, event_ts"
    " HAVING count(*) > 1)",
    "SELECT count(*) FROM fact_orders WHERE user_id NOT IN (SELECT user_id FROM dim_user)",
    "SELECT count(*) FROM fact_events WHERE product_id NOT IN (SELECT product_id FROM dim_product)",
)
FACTS = """
    SELECT (SELECT count(*) FROM fact_orders), (SELECT sum(revenue)::decimal(20, 2) FROM fact_orders),
           (SELECT count(*) FROM fact_events), (SELECT count(*) FROM dim_user), (SELECT count(*) FROM dim_product)
"""


def load(file: Path, landing: Path, day: date, codes: Path) -> list[str]:
    """Load a day and return the facts."""
    values = {
        "day": str(day),
        "orders": str(landing / "orders" / f"{day}" / "orders.ndjson"),
        "events": str(landing / "events" / f"{day}" / "events.csv"),
        "products": str(landing / "products" / f"{day}" / "products.json"),
    }
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"SET threads = {THREADS}; SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
        connection.execute(SCHEMA)
        connection.execute(
            "CREATE OR REPLACE TABLE codes AS SELECT * FROM read_json($codes, columns = {kind: 'VARCHAR', "
            "source_value: 'VARCHAR', canonical_value: 'VARCHAR'})", {"codes": str(codes)},
        )  # fmt: skip
        for statement in [*filter(str.strip, LOAD.split(";")), *CHECKS]:
            wanted = {name: value for name, value in values.items() if f"${name}" in statement}
            found = connection.execute(statement, wanted).fetchall()
            if statement in CHECKS and found[0][0]:
                raise ValueError(f"check failed: {statement}")
        return [str(value) for value in connection.execute(FACTS).fetchone()]


if __name__ == "__main__":
    print(json.dumps(load(Path(sys.argv[1]), Path(sys.argv[2]), date.fromisoformat(sys.argv[3]), Path(sys.argv[4]))))

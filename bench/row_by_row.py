"""The way such pipelines are usually written: json and csv, a row at a time, batched INSERTs, DELETE + INSERT … SELECT.

    python -m bench.row_by_row DSN LANDING 2025-12-19

It does the same work: raw is kept, bad rows are rejected with a reason, the last report of a day wins, an order counts
once, dimensions, facts with the indexes and foreign keys of the warehouse, checks, and the numbers of the day.
"""

import csv
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

BATCH = 1_000
OLDEST_DAYS = 400
GUEST, NONE = "(guest)", "(none)"

SCHEMA = """
    CREATE TABLE codes (kind text, source_value text, canonical_value text, PRIMARY KEY (kind, source_value));
    CREATE TABLE raw_orders (id bigserial PRIMARY KEY, load_date date, line_number int, raw_json text);
    CREATE TABLE raw_events (id bigserial PRIMARY KEY, load_date date, line_number int, event_id text, user_id text,
                             product_id text, event_type text, event_ts text);
    CREATE TABLE bad_records (id bigserial PRIMARY KEY, load_date date, source text, line_number int, record_id text,
                              reason text, raw_data text);
    CREATE TABLE stg_orders (load_date date, report int, order_id text, line_number int, user_id text, product_id text,
                             quantity int, unit_price numeric, revenue numeric, order_ts timestamptz, status text,
                             city text, signup_date date, marketing_source text);
    CREATE INDEX ON stg_orders (load_date, order_id);
    CREATE TABLE stg_events (load_date date, report int, event_id text, user_id text, product_id text, event_type text,
                             event_ts timestamptz);
    CREATE INDEX ON stg_events (load_date, event_id);
    CREATE TABLE dim_date (date_id int PRIMARY KEY, date date);
    CREATE TABLE dim_user (user_id text PRIMARY KEY, city text, signup_date date, marketing_source text,
                           first_seen_at timestamptz, last_seen_at timestamptz);
    CREATE TABLE dim_product (product_id text PRIMARY KEY, product_name text, category text, brand text,
                              current_price numeric);
    CREATE TABLE fact_orders (id bigserial, order_id text NOT NULL, line_number int NOT NULL,
                              user_id text NOT NULL REFERENCES dim_user,
                                  product_id text NOT NULL REFERENCES dim_product,
                              date_id int NOT NULL REFERENCES dim_date, quantity int NOT NULL,
                                  unit_price numeric NOT NULL,
                              revenue numeric NOT NULL, order_ts timestamptz NOT NULL, status text NOT NULL,
                                  load_date date NOT NULL);
    CREATE TABLE fact_events (id bigserial, event_id text NOT NULL, user_id text NOT NULL REFERENCES dim_user,
                              product_id text NOT NULL REFERENCES dim_product, date_id int NOT NULL REFERENCES dim_date,
                              event_type text NOT NULL, event_ts timestamptz NOT NULL, load_date date NOT NULL);
    CREATE TABLE daily_metrics (run_date date PRIMARY KEY, orders bigint, events bigint, rejected bigint,
        revenue numeric);
    INSERT INTO dim_date SELECT to_char(d, 'YYYYMMDD')::int, d FROM generate_series('2023-01-01'::date, '2027-12-31',
        '1 day') AS d;
    INSERT INTO dim_user (user_id) VALUES ('(guest)');
    INSERT INTO dim_product (product_id) VALUES ('(none)');
"""
LOADED = """
    ANALYZE stg_orders, stg_events, bad_records;
    DELETE FROM stg_orders s
    USING (SELECT order_id, max(report) AS report
           FROM (SELECT order_id, report FROM stg_orders WHERE load_date = %(day)s
                 UNION ALL
                 SELECT record_id, line_number FROM bad_records WHERE load_date = %(day)s AND source = 'orders') AS r
           GROUP BY order_id) AS last
    WHERE s.load_date = %(day)s AND s.order_id = last.order_id AND s.report < last.report;
    DELETE FROM stg_events s
    USING (SELECT event_id, event_ts, max(report) AS report FROM stg_events WHERE load_date = %(day)s
           GROUP BY event_id, event_ts) AS last
    WHERE s.load_date = %(day)s AND s.event_id = last.event_id AND s.event_ts = last.event_ts
        AND s.report < last.report;

    INSERT INTO dim_product (product_id)
    SELECT product_id FROM stg_orders WHERE load_date = %(day)s
    UNION SELECT product_id FROM stg_events WHERE load_date = %(day)s
    ON CONFLICT DO NOTHING;
    INSERT INTO dim_user AS u (user_id, first_seen_at, last_seen_at)
    SELECT user_id, min(seen_at), max(seen_at)
    FROM (SELECT user_id, order_ts AS seen_at FROM stg_orders WHERE load_date = %(day)s
          UNION ALL SELECT user_id, event_ts FROM stg_events WHERE load_date = %(day)s) AS s
    GROUP BY user_id
    ON CONFLICT (user_id) DO UPDATE SET first_seen_at = least(u.first_seen_at, excluded.first_seen_at),
                                        last_seen_at = greatest(u.last_seen_at, excluded.last_seen_at);
    UPDATE dim_user u SET city = s.city, signup_date = s.signup_date, marketing_source = s.marketing_source
    FROM (SELECT DISTINCT ON (user_id) user_id, city, signup_date, marketing_source FROM stg_orders
          WHERE load_date = %(day)s AND city IS NOT NULL AND user_id <> '(guest)'
          ORDER BY user_id, order_ts DESC, order_id DESC) AS s
    WHERE u.user_id = s.user_id;

    DELETE FROM fact_orders WHERE load_date = %(day)s;
    DELETE FROM fact_orders f USING stg_orders s WHERE s.load_date = %(day)s AND f.order_id = s.order_id;
    INSERT INTO fact_orders (order_id, line_number, user_id, product_id, date_id, quantity, unit_price, revenue,
        order_ts,
                             status, load_date)
    SELECT order_id, line_number, user_id, product_id, to_char(order_ts, 'YYYYMMDD')::int, quantity, unit_price,
        revenue,
           order_ts, status, load_date
    FROM stg_orders WHERE load_date = %(day)s;
    DELETE FROM fact_events WHERE load_date = %(day)s;
    DELETE FROM fact_events f USING stg_events s
    WHERE s.load_date = %(day)s AND f.event_id = s.event_id AND f.event_ts = s.event_ts;
    INSERT INTO fact_events (event_id, user_id, product_id, date_id, event_type, event_ts, load_date)
    SELECT event_id, user_id, product_id, to_char(event_ts, 'YYYYMMDD')::int, event_type, event_ts, load_date
    FROM stg_events WHERE load_date = %(day)s;

    DELETE FROM daily_metrics WHERE run_date = %(day)s;
    INSERT INTO daily_metrics
    SELECT %(day)s, (SELECT count(*) FROM fact_orders WHERE load_date = %(day)s),
           (SELECT count(*) FROM fact_events WHERE load_date = %(day)s),
           (SELECT count(*) FROM bad_records WHERE load_date = %(day)s),
           (SELECT sum(revenue) FROM fact_orders WHERE load_date = %(day)s)
"""
CHECKS = (
    "SELECT count(*) FROM stg_orders WHERE load_date = %(day)s AND (quantity <= 0 OR unit_price < 0)",
    "SELECT count(*) FROM stg_orders WHERE load_date = %(day)s AND revenue <> quantity * unit_price",
    "SELECT count(*) FROM stg_events WHERE load_date = %(day)s AND event_ts >= %(day)s::date + 1",
    "SELECT count(*) FROM (SELECT FROM stg_orders WHERE load_date = %(day)s GROUP BY order_id, line_number"
    " HAVING count(*) > 1) AS d",
    "SELECT count(*) FROM (SELECT FROM stg_events WHERE load_date = %(day)s GROUP BY event_id, event_ts"
    " HAVING count(*) > 1) AS d",
)


class Bad(Exception):
    """A row that is rejected; the message says why."""


def load(connection: psycopg.Connection, landing: Path, day: date) -> None:
    """Load a day."""
    codes: dict[str, dict[str, str]] = {"order_status": {}, "event_type": {}}
    for kind, source_value, canonical_value in connection.execute("SELECT * FROM codes"):
        codes[kind][source_value] = canonical_value
    with connection.cursor() as cursor:
        for table in ("raw_orders", "raw_events", "bad_records", "stg_orders", "stg_events"):
            cursor.execute(f"DELETE FROM {table} WHERE load_date = %s", [day])
        _orders(cursor, landing / "orders" / f"{day}" / "orders.ndjson", day, codes["order_status"])
        _events(cursor, landing / "events" / f"{day}" / "events.csv", day, codes["event_type"])
        _products(cursor, landing / "products" / f"{day}" / "products.json")
        statements = [part for part in LOADED.split(";") if part.strip()]
        for statement in statements[:3]:
            cursor.execute(statement, {"day": day})
        for check in CHECKS:
            if cursor.execute(check, {"day": day}).fetchone()[0]:
                raise ValueError(f"check failed: {check}")
        for statement in statements[3:]:
            cursor.execute(statement, {"day": day})
    connection.commit()


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(rows)
    while batch := list(itertools.islice(remaining, BATCH)):
        yield batch


def _insert(cursor: psycopg.Cursor, table: str, columns: str, rows: list[Any]) -> None:
    if rows:
        places = ", ".join(["%s"] * len(columns.split(",")))
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)


def _reject(cursor: psycopg.Cursor, rows: list[Any]) -> None:
    _insert(cursor, "bad_records", "load_date, source, line_number, record_id, reason, raw_data", rows)


def _time(value: str | None, what: str, day: date) -> datetime:
    try:
        at = datetime.fromisoformat(value or "")
    except ValueError:
        raise Bad(f"{what} is not a time") from None
    if not day - timedelta(days=OLDEST_DAYS) <= at.date() <= day:
        raise Bad(f"{what} is out of range")
    return at


def _orders(cursor: psycopg.Cursor, path: Path, day: date, statuses: dict[str, str]) -> None:
    with path.open() as file:
        for batch in _batches(enumerate(file, 1)):
            raw, clean, bad = [], [], []
            for number, text in batch:
                try:
                    order = json.loads(text, parse_float=Decimal)
                except ValueError as error:
                    bad.append((day, "orders", number, None, f"not JSON: {error}", text))
                    continue
                raw.append((day, number, text))
                for line, item in enumerate(order.get("items") or [order], 1):
                    try:
                        clean.append((day, number, *_order_line(order, item, line, day, statuses)))
                    except Bad as error:
                        bad.append((day, "orders", number, order.get("order_id"), str(error), text))
            _insert(cursor, "raw_orders", "load_date, line_number, raw_json", raw)
            _insert(
                cursor, "stg_orders",
                "load_date, report, order_id, line_number, user_id, product_id, quantity, unit_price, revenue,"
                " order_ts,"
                " status, city, signup_date, marketing_source", clean,
            )  # fmt: skip
            _reject(cursor, bad)


def _order_line(order: dict, item: dict, line: int, day: date, statuses: dict[str, str]) -> tuple[Any, ...]:
    if not order.get("order_id"):
        raise Bad("order_id is missing")
    if not item.get("product_id"):
        raise Bad("product_id is missing")
    quantity, price = item.get("quantity"), item.get("price")
    if not isinstance(quantity, int) or quantity <= 0:
        raise Bad("quantity is not a number above 0")
    if not isinstance(price, int | Decimal) or price < 0:
        raise Bad("price is not a number of at least 0")
    status = statuses.get(str(order.get("status", "")).strip().lower())
    if status is None:
        raise Bad("status is unknown")
    at = _time(order.get("timestamp"), "timestamp", day)
    user = order.get("user") or order
    signup = None
    if user.get("signup_date"):
        try:
            signup = date.fromisoformat(user["signup_date"])
        except ValueError:
            raise Bad("signup_date is not a date") from None
    return (
        order["order_id"], line, order.get("user_id") or GUEST, item["product_id"], quantity, price,
            quantity * price, at,
        status, user.get("city"), signup, user.get("marketing_source"),
    )  # fmt: skip


def _events(cursor: psycopg.Cursor, path: Path, day: date, types: dict[str, str]) -> None:
    with path.open(newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        for batch in _batches(enumerate(rows, 2)):
            raw, clean, bad = [], [], []
            for number, row in batch:
                if len(row) != len(header):
                    bad.append((day, "events", number, None, "a wrong number of fields", ",".join(row)))
                    continue
                event = dict(zip(header, row, strict=True))
                raw.append((day, number, *row))
                try:
                    if not event["event_id"]:
                        raise Bad("event_id is missing")
                    kind = event["event_type"].strip().lower()
                    if not kind:
                        raise Bad("event_type is missing")
                    at = _time(event["event_ts"], "event_ts", day)
                except Bad as error:
                    bad.append((day, "events", number, event["event_id"], str(error), ",".join(row)))
                    continue
                user, product = event["user_id"] or GUEST, event["product_id"] or NONE
                clean.append((day, number, event["event_id"], user, product, types.get(kind, kind), at))
            _insert(cursor, "raw_events", f"load_date, line_number, {', '.join(header)}", raw)
            _insert(
                cursor, "stg_events", "load_date, report, event_id, user_id, product_id, event_type, event_ts", clean
            )
            _reject(cursor, bad)


def _products(cursor: psycopg.Cursor, path: Path) -> None:
    with suppress(FileNotFoundError):
        names = ("product_id", "product_name", "category", "brand", "current_price")
        for batch in _batches(json.loads(path.read_text(), parse_float=Decimal)):
            cursor.executemany(
                "INSERT INTO dim_product VALUES (%s, %s, %s, %s, %s) ON CONFLICT (product_id) DO UPDATE"
                " SET (product_name, category, brand, current_price) ="
                " (excluded.product_name, excluded.category, excluded.brand, excluded.current_price)",
                [[product.get(name) for name in names] for product in batch],
            )


if __name__ == "__main__":
    with psycopg.connect(sys.argv[1], options="-c timezone=UTC") as opened:
        load(opened, Path(sys.argv[2]), date.fromisoformat(sys.argv[3]))

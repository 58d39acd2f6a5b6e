"""What must hold of a warehouse after every step, asked of the tables themselves."""

from collections.abc import Collection
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import tuple_row

# Days of a handful of rows would be blocked for their size; and what the rules find that look at other days depends,
# by design, on what was loaded when the day was judged. All other rules judge as shipped.
RULES_OFF = (
    "UPDATE audit.dq_rules SET enabled = false WHERE check_type IN ('volume', 'share', 'freshness', 'unusual', 'drift')"
)

# Each query lists what breaks a promise that holds at any moment.
ALWAYS = {
    "an order is in the facts of one load only": """
        SELECT order_id, array_agg(DISTINCT load_date) FROM warehouse.fact_orders
        GROUP BY order_id HAVING count(DISTINCT load_date) > 1""",
    "an order line is in the facts once": """
        SELECT order_id, line_number FROM warehouse.fact_orders GROUP BY 1, 2 HAVING count(*) > 1""",
    "an event is in the facts once": """
        SELECT event_id, event_ts FROM warehouse.fact_events GROUP BY 1, 2 HAVING count(*) > 1""",
    "order_owners says whose lines are in the facts": """
        SELECT * FROM (SELECT DISTINCT order_id, load_date FROM warehouse.fact_orders) AS f
        FULL JOIN warehouse.order_owners AS o USING (order_id, load_date)
        WHERE o.order_id IS NULL OR f.order_id IS NULL""",
    "the owner of an order ranks above what it supersedes, by updated_at, then by load_date": """
        SELECT s.order_id, s.load_date, s.source_updated_at FROM warehouse.orders_superseded AS s
        LEFT JOIN warehouse.order_owners AS o ON o.order_id = s.order_id
             AND (coalesce(o.source_updated_at, (o.load_date + 1)::timestamp AT TIME ZONE 'UTC'), o.load_date)
                 > (coalesce(s.source_updated_at, (s.load_date + 1)::timestamp AT TIME ZONE 'UTC'), s.load_date)
        WHERE o.order_id IS NULL
        UNION ALL
        SELECT f.order_id, f.load_date, f.source_updated_at FROM warehouse.fact_orders AS f
        JOIN warehouse.order_owners AS o ON o.order_id = f.order_id
        WHERE o.source_updated_at IS DISTINCT FROM f.source_updated_at""",
    "an event that is superseded is of an earlier load than the one in the facts": """
        SELECT s.event_id, s.load_date FROM warehouse.events_superseded AS s
        LEFT JOIN warehouse.fact_events AS f
               ON f.event_id = s.event_id AND f.event_ts = s.event_ts AND f.load_date > s.load_date
        WHERE f.event_id IS NULL""",
    "an event that is not of its load's own day is among late_events": """
        SELECT * FROM (
            SELECT event_id, event_ts, load_date FROM warehouse.fact_events
            UNION ALL SELECT event_id, event_ts, load_date FROM warehouse.events_superseded) AS e
        FULL JOIN warehouse.late_events AS l USING (event_id, event_ts, load_date)
        WHERE (l.event_id IS NULL AND (event_ts AT TIME ZONE staging.time_zone())::date < load_date)
           OR e.event_id IS NULL""",
    # What counts as a sale is what counted when the day was last loaded: sale_statuses.
    "the fact figures of daily_metrics are those of the facts": """
        SELECT m.run_date, m.fact_orders_count, m.superseded_orders_count, m.revenue, m.net_revenue,
               m.fact_events_count, m.superseded_events_count, f, so.lines, e.events, se.events
        FROM warehouse.daily_metrics AS m
        CROSS JOIN LATERAL (
            SELECT count(*) AS lines, coalesce(sum(o.revenue), 0) AS revenue,
                   coalesce(sum(o.revenue - coalesce(o.refunded, 0)) FILTER (WHERE o.status = ANY (m.sale_statuses)), 0)
                       AS net_revenue,
                   coalesce(sum(o.discount), 0) AS discount, coalesce(sum(o.tax), 0) AS tax,
                   coalesce(sum(o.shipping), 0) AS shipping, coalesce(sum(o.refunded), 0) AS refunded
            FROM warehouse.fact_orders AS o WHERE o.load_date = m.run_date) AS f
        CROSS JOIN LATERAL (SELECT count(*) AS lines FROM warehouse.orders_superseded AS o
                            WHERE o.load_date = m.run_date) AS so
        CROSS JOIN LATERAL (SELECT count(*) AS events FROM warehouse.fact_events AS o
                            WHERE o.load_date = m.run_date) AS e
        CROSS JOIN LATERAL (SELECT count(*) AS events FROM warehouse.events_superseded AS o
                            WHERE o.load_date = m.run_date) AS se
        WHERE (m.fact_orders_count, m.superseded_orders_count, m.revenue, m.net_revenue,
               m.discount, m.tax, m.shipping, m.refunded, m.fact_events_count, m.superseded_events_count)
              <> (f.lines, so.lines, f.revenue, f.net_revenue, f.discount, f.tax, f.shipping, f.refunded,
                  e.events, se.events)""",
    "what was sold of each product, and of how many orders and customers, is told by the facts": """
        WITH lines AS (
            SELECT f.load_date, f.order_id, f.user_id, f.product_id, f.revenue - coalesce(f.refunded, 0) AS net,
                   row_number() OVER (PARTITION BY f.load_date, f.order_id ORDER BY f.line_number) = 1 AS is_first
            FROM warehouse.fact_orders AS f JOIN warehouse.daily_metrics AS m ON m.run_date = f.load_date
            WHERE f.status = ANY (m.sale_statuses)),
        products AS (
            SELECT l.load_date, l.product_id, count(DISTINCT l.order_id) AS orders, count(*) AS lines,
                   sum(l.net) AS net, count(*) FILTER (WHERE l.is_first) AS first_orders
            FROM lines AS l GROUP BY l.load_date, l.product_id),
        days AS (
            SELECT l.load_date, count(DISTINCT l.order_id) AS orders, count(*) AS lines,
                   count(DISTINCT l.user_id) FILTER (WHERE l.user_id <> '(guest)') AS customers
            FROM lines AS l GROUP BY l.load_date)
        SELECT load_date, product_id, p::text, d::text
        FROM products AS p FULL JOIN warehouse.daily_products AS d USING (load_date, product_id)
        WHERE (p.orders, p.first_orders, p.lines, p.net)
              IS DISTINCT FROM (d.orders, d.first_orders, d.lines, d.net_revenue)
        UNION ALL
        SELECT m.run_date, 'all', d::text, m::text
        FROM warehouse.daily_metrics AS m LEFT JOIN days AS d ON d.load_date = m.run_date
        WHERE (coalesce(d.orders, 0), coalesce(d.customers, 0), coalesce(d.lines, 0))
              <> (m.sold_orders_count, m.customers_count, m.sold_lines_count)""",
    "how many orders of a status a day has is told by the facts": """
        SELECT load_date, status, f::text, d::text
        FROM (SELECT load_date, status, count(DISTINCT order_id) AS orders, count(*) AS lines, sum(revenue) AS revenue
              FROM warehouse.fact_orders GROUP BY load_date, status) AS f
        FULL JOIN warehouse.daily_order_statuses AS d USING (load_date, status)
        WHERE (f.orders, f.lines, f.revenue) IS DISTINCT FROM (d.orders, d.lines, d.revenue)""",
    "how many events of a type a day has is told by the facts": """
        SELECT load_date, event_type, f.events, d.events
        FROM (SELECT load_date, event_type, count(*) AS events FROM warehouse.fact_events
              WHERE octet_length(event_type) <= 100 GROUP BY load_date, event_type) AS f
        FULL JOIN warehouse.daily_event_types AS d USING (load_date, event_type)
        WHERE f.events IS DISTINCT FROM d.events""",
    "a line delivered is clean, duplicate or rejected, and each can be found": """
        SELECT l.source, l.load_date, l.delivered_count, l.clean_count, l.duplicate_count, l.rejected_count,
               c.clean, b.rejected
        FROM staging.loads AS l
        CROSS JOIN LATERAL (
            SELECT CASE l.source
                   WHEN 'orders' THEN (SELECT count(*) FROM staging.orders_clean AS s WHERE s.load_date = l.load_date)
                   WHEN 'events' THEN (SELECT count(*) FROM staging.events_clean AS s WHERE s.load_date = l.load_date)
                   ELSE (SELECT count(*) FROM staging.products_clean AS s WHERE s.load_date = l.load_date)
                   END AS clean) AS c
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(b.line_count), 0) AS rejected FROM audit.bad_records AS b
            WHERE b.run_date = l.load_date
              AND b.source_table = CASE l.source WHEN 'orders' THEN 'raw.orders_json'
                                                 WHEN 'events' THEN 'raw.events_csv' ELSE 'raw.products_json' END) AS b
        WHERE l.delivered_count <> l.clean_count + l.duplicate_count + l.rejected_count
           OR l.clean_count <> c.clean OR l.rejected_count <> b.rejected""",
    "versions of a product neither overlap nor leave gaps, and the last one is the product": """
        SELECT v.product_id, v.effective_from FROM (
            SELECT h.*, lead(h.effective_from) OVER (PARTITION BY h.product_id ORDER BY h.effective_from) AS next_from
            FROM warehouse.dim_product_history AS h) AS v
        JOIN warehouse.dim_product AS p USING (product_id)
        WHERE v.effective_to IS DISTINCT FROM v.next_from
           OR (v.next_from IS NULL AND (v.product_name, v.category, v.brand, v.current_price, v.effective_from, false)
               IS DISTINCT FROM (p.product_name, p.category, p.brand, p.current_price, p.effective_from, p.is_inferred))
        UNION ALL
        SELECT p.product_id, p.effective_from FROM warehouse.dim_product AS p
        WHERE NOT EXISTS (SELECT FROM warehouse.dim_product_history AS h WHERE h.product_id = p.product_id)
          AND (p.effective_from IS NOT NULL OR NOT p.is_inferred)""",
}

# These hold of the days whose run succeeded, with nothing begun since; %(half)s are the others.
OF_LOADED_DAYS = {
    "a clean line is in the facts or superseded, and daily_metrics tells where all lines went": """
        SELECT m.* FROM warehouse.daily_metrics AS m
        JOIN staging.loads AS o ON o.source = 'orders' AND o.load_date = m.run_date
        JOIN staging.loads AS e ON e.source = 'events' AND e.load_date = m.run_date
        WHERE m.run_date <> ALL (%(half)s::date[])
          AND (m.status <> 'succeeded'
               OR o.clean_count <> m.fact_orders_count + m.superseded_orders_count
               OR e.clean_count <> m.fact_events_count + m.superseded_events_count
               OR (m.raw_order_lines_count, m.staging_orders_count, m.duplicate_orders_count, m.rejected_orders_count)
                  <> (o.delivered_count, o.clean_count, o.duplicate_count, o.rejected_count)
               OR (m.raw_events_count, m.staging_events_count, m.duplicate_events_count, m.rejected_events_count)
                  <> (e.delivered_count, e.clean_count, e.duplicate_count, e.rejected_count))""",
}
# And these when no day is half loaded: the facts are what staging says of the greatest load of each order and event.
OF_A_LOADED_WAREHOUSE = {
    "the facts are the lines of the load of each order whose report ranks highest": """
        SELECT * FROM (
            SELECT staging_orders_id, order_id, line_number, coalesce(user_id, '(guest)') AS user_id, product_id,
                   to_char(order_ts AT TIME ZONE staging.time_zone(), 'YYYYMMDD')::integer AS date_id, quantity,
                   unit_price, revenue, order_ts, status, load_date, coalesce(source_updated_at, 'infinity') AS version,
                   ROW(discount, tax, shipping, refunded, currency, revenue_in_currency) AS money
            FROM (SELECT c.*, first_value(load_date) OVER (
                             PARTITION BY order_id
                             ORDER BY coalesce(source_updated_at, staging.start_of_day(load_date + 1)) DESC,
                                      load_date DESC) AS owner
                  FROM staging.orders_clean AS c) AS s
            WHERE load_date = owner) AS s
        FULL JOIN (SELECT o.*, coalesce(source_updated_at, 'infinity') AS version FROM warehouse.fact_orders AS o) AS f
             USING (staging_orders_id, order_id, line_number, user_id, product_id, date_id, quantity, unit_price,
                    revenue, order_ts, status, load_date, version)
        WHERE f.fact_orders_id IS NULL OR f.fact_orders_id <> staging_orders_id
           OR s.money IS DISTINCT FROM
              ROW(f.discount, f.tax, f.shipping, f.refunded, f.currency, f.revenue_in_currency)""",
    "the facts are the events of each event's last load": """
        SELECT * FROM (
            SELECT staging_events_id, event_id, coalesce(user_id, '(guest)') AS user_id,
                   coalesce(product_id, '(none)') AS product_id, event_type, event_ts, load_date
            FROM (SELECT c.*, max(load_date) OVER (PARTITION BY event_id, event_ts) AS last_load
                  FROM staging.events_clean AS c) AS s
            WHERE load_date = last_load) AS s
        FULL JOIN warehouse.fact_events AS f
             USING (staging_events_id, event_id, user_id, product_id, event_type, event_ts, load_date)
        WHERE f.fact_events_id IS NULL OR f.fact_events_id <> staging_events_id""",
    "no member is left that nothing mentions": """
        SELECT user_id FROM warehouse.dim_user AS u
        WHERE user_id <> '(guest)'
          AND NOT EXISTS (SELECT FROM staging.orders_clean AS o WHERE o.user_id = u.user_id)
          AND NOT EXISTS (SELECT FROM staging.events_clean AS e WHERE e.user_id = u.user_id)
        UNION ALL
        SELECT product_id FROM warehouse.dim_product AS p
        WHERE product_id <> '(none)'
          AND NOT EXISTS (SELECT FROM staging.orders_clean AS o WHERE o.product_id = p.product_id)
          AND NOT EXISTS (SELECT FROM staging.events_clean AS e WHERE e.product_id = p.product_id)
          AND NOT EXISTS (SELECT FROM staging.products_clean AS c WHERE c.product_id = p.product_id)""",
}


def broken_promises(connection: psycopg.Connection[Any], half: Collection[date] = ()) -> dict[str, list[Any]]:
    """Return what breaks which promise; `half` are the days that began to load and did not end."""
    queries = ALWAYS | OF_LOADED_DAYS | ({} if half else OF_A_LOADED_WAREHOUSE)
    broken = {}
    for promise, query in queries.items():
        found = connection.cursor(row_factory=tuple_row).execute(query, {"half": sorted(half)}).fetchall()  # type: ignore[arg-type]
        if found:
            broken[promise] = [str(row) for row in found]
    return broken

-- What analysts ask. A query begins with its name; with «prunes» it must not read more partitions of facts than that.
-- :day is the last day, :month_ago, :year_ago … its like before; :user, :order, :product somebody and something known.

-- name: revenue by day, last 30 days; prunes 34
SELECT d.date, sum(s.revenue) AS net_revenue, count(DISTINCT s.order_id) AS orders
FROM warehouse.sales s JOIN warehouse.dim_date d ON d.date_id = s.date_id
WHERE s.date_id BETWEEN :month_ago AND :day GROUP BY d.date ORDER BY d.date;

-- name: revenue by month, two years
SELECT s.date_id / 100 AS month, sum(s.revenue) AS net_revenue FROM warehouse.sales s GROUP BY 1 ORDER BY 1;

-- name: revenue of a day, as the specification asks; prunes 33
SELECT d.date, sum(f.revenue) AS revenue FROM warehouse.fact_orders f JOIN warehouse.dim_date d ON d.date_id = f.date_id
WHERE f.date_id = :week_ago GROUP BY d.date;

-- name: this month beside the same month last year; prunes 40
SELECT s.date_id / 10000 AS year, sum(s.revenue) FROM warehouse.sales s
WHERE s.date_id BETWEEN :month_begin AND :day OR s.date_id BETWEEN :month_begin_year_ago AND :year_ago GROUP BY 1;

-- name: revenue by category, last quarter; prunes 40
SELECT s.category, sum(s.revenue) AS revenue, sum(s.quantity) AS pieces FROM warehouse.sales s
WHERE s.date_id BETWEEN :quarter_ago AND :day GROUP BY s.category ORDER BY 2 DESC;

-- name: revenue by city and source, last quarter; prunes 40
SELECT s.city, s.marketing_source, sum(s.revenue) FROM warehouse.sales s
WHERE s.date_id BETWEEN :quarter_ago AND :day GROUP BY 1, 2 ORDER BY 3 DESC;

-- name: top twenty products, last 30 days; prunes 34
SELECT s.product_id, s.product_name, sum(s.revenue) FROM warehouse.sales s
WHERE s.date_id BETWEEN :month_ago AND :day GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 20;

-- name: one product by month, two years
SELECT f.date_id / 100 AS month, sum(f.revenue), sum(f.quantity) FROM warehouse.fact_orders f
WHERE f.product_id = :product GROUP BY 1 ORDER BY 1;

-- name: who looked at a product, last week; prunes 12
SELECT e.event_type, count(*), count(DISTINCT e.user_id) FROM warehouse.fact_events e
WHERE e.product_id = :product AND e.date_id BETWEEN :week_ago AND :day GROUP BY 1;

-- name: all orders of a user
SELECT f.order_id, f.order_ts, f.status, sum(f.revenue) FROM warehouse.fact_orders f
WHERE f.user_id = :user GROUP BY 1, 2, 3 ORDER BY 2;

-- name: a user's last events, last 30 days; prunes 34
SELECT e.event_ts, e.event_type, e.product_id FROM warehouse.fact_events e
WHERE e.user_id = :user AND e.date_id BETWEEN :month_ago AND :day ORDER BY 1 DESC LIMIT 100;

-- name: one order
SELECT * FROM warehouse.order_lines WHERE order_id = :order ORDER BY line_number;

-- name: one order's whole story, with its deliveries
SELECT l.load_date, l.file_name, l.file_line_number, l.line_number, l.fact_orders_id IS NOT NULL AS in_facts
FROM audit.lineage l WHERE l.order_id = :order ORDER BY 1, 3, 4;

-- name: funnel by day, last week; prunes 12
SELECT e.date_id, count(*) FILTER (WHERE e.event_type = 'product_view') AS looked,
       count(*) FILTER (WHERE e.event_type = 'add_to_cart') AS added,
       count(*) FILTER (WHERE e.event_type = 'purchase') AS bought
FROM warehouse.fact_events e WHERE e.date_id BETWEEN :week_ago AND :day GROUP BY 1 ORDER BY 1;

-- name: funnel by user, last 30 days; prunes 34
WITH people AS (
    SELECT e.user_id, bool_or(e.event_type = 'product_view') AS looked, bool_or(e.event_type = 'add_to_cart') AS added,
           bool_or(e.event_type = 'purchase') AS bought
    FROM warehouse.fact_events e WHERE e.date_id BETWEEN :month_ago AND :day AND e.user_id <> '(guest)' GROUP BY e.user_id
)
SELECT count(*) FILTER (WHERE looked), count(*) FILTER (WHERE looked AND added), count(*) FILTER (WHERE looked AND added AND bought)
FROM people;

-- name: conversion by marketing source, last 30 days; prunes 34
SELECT u.marketing_source, count(*) FILTER (WHERE e.event_type = 'purchase')::numeric / nullif(count(*), 0) AS rate
FROM warehouse.fact_events e JOIN warehouse.dim_user u ON u.user_id = e.user_id
WHERE e.date_id BETWEEN :month_ago AND :day GROUP BY 1;

-- name: cohorts by month of the first order, two years
WITH firsts AS (SELECT f.user_id, min(f.date_id) / 100 AS cohort FROM warehouse.fact_orders f GROUP BY 1)
SELECT c.cohort, f.date_id / 100 AS month, count(DISTINCT f.user_id), sum(f.revenue)
FROM warehouse.fact_orders f JOIN firsts c ON c.user_id = f.user_id GROUP BY 1, 2 ORDER BY 1, 2;

-- name: who has not come back for three months
SELECT count(*) FROM warehouse.dim_user u WHERE u.last_seen_at < to_date(:quarter_ago::text, 'YYYYMMDD');

-- name: share of refunds and returns by week, last quarter; prunes 40
SELECT d.week, count(*) FILTER (WHERE f.status IN ('refunded', 'returned'))::numeric / count(*) AS share
FROM warehouse.fact_orders f JOIN warehouse.dim_date d ON d.date_id = f.date_id
WHERE f.date_id BETWEEN :quarter_ago AND :day GROUP BY 1 ORDER BY 1;

-- name: bought together, last week; prunes 12
SELECT a.product_id, b.product_id AS with_product, count(*) FROM warehouse.fact_orders a
JOIN warehouse.fact_orders b ON b.order_id = a.order_id AND b.product_id > a.product_id
WHERE a.date_id BETWEEN :week_ago AND :day AND b.date_id BETWEEN :week_ago AND :day
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 20;

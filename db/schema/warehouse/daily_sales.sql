CREATE VIEW warehouse.daily_sales AS
SELECT m.run_date AS day,
       to_char(m.run_date::timestamp, 'FMDay') AS weekday,
       m.status,
       m.fact_orders_count + m.superseded_orders_count > 0 OR m.status = 'succeeded' AS is_loaded,
       m.net_revenue,
       m.revenue,
       m.sold_orders_count AS orders_sold,
       m.sold_lines_count AS lines_sold,
       m.net_revenue / nullif(m.sold_orders_count, 0) AS basket,
       m.customers_count AS customers,
       e.views,
       e.purchases,
       e.purchases::numeric / nullif(e.views, 0) AS purchases_per_view,
       m.raw_order_lines_count + m.raw_events_count AS delivered_lines,
       m.rejected_orders_count + m.rejected_events_count AS rejected_lines,
       (m.rejected_orders_count + m.rejected_events_count)::numeric / nullif(m.raw_order_lines_count + m.raw_events_count, 0) AS rejected_share
FROM warehouse.daily_metrics m
CROSS JOIN LATERAL (
    SELECT coalesce(sum(f.events) FILTER (WHERE f.stage = 'view'), 0)::bigint AS views,
           coalesce(sum(f.events) FILTER (WHERE f.stage = 'purchase'), 0)::bigint AS purchases
    FROM warehouse.daily_funnel f
    WHERE f.day = m.run_date
) AS e;

COMMENT ON VIEW warehouse.daily_sales IS 'One row per day that was run: what was sold, and what was delivered. A day is that of the delivery; filter by it.';
COMMENT ON COLUMN warehouse.daily_sales.day IS 'Day of the delivery';
COMMENT ON COLUMN warehouse.daily_sales.weekday IS 'Its name in English';
COMMENT ON COLUMN warehouse.daily_sales.status IS 'running, succeeded, failed or blocked: how its last run stands';
COMMENT ON COLUMN warehouse.daily_sales.is_loaded IS 'Whether its orders are in the facts; if not, its figures are missing, not zero. Of a day that failed or is blocked they may be those of an earlier run';
COMMENT ON COLUMN warehouse.daily_sales.net_revenue IS 'Revenue of the statuses that count as a sale, less what was refunded of it';
COMMENT ON COLUMN warehouse.daily_sales.revenue IS 'Of the lines in the facts, whatever the status';
COMMENT ON COLUMN warehouse.daily_sales.orders_sold IS 'Orders that count as a sale';
COMMENT ON COLUMN warehouse.daily_sales.lines_sold IS 'Their lines';
COMMENT ON COLUMN warehouse.daily_sales.basket IS 'Net revenue of an order sold; NULL without one';
COMMENT ON COLUMN warehouse.daily_sales.customers IS 'Known users who have an order sold; guests are not counted';
COMMENT ON COLUMN warehouse.daily_sales.views IS 'Events of the stage view: warehouse.daily_funnel';
COMMENT ON COLUMN warehouse.daily_sales.purchases IS 'Events of the stage purchase';
COMMENT ON COLUMN warehouse.daily_sales.purchases_per_view IS 'Share of the views; NULL without views';
COMMENT ON COLUMN warehouse.daily_sales.delivered_lines IS 'Order lines and events delivered';
COMMENT ON COLUMN warehouse.daily_sales.rejected_lines IS 'Order lines and events rejected';
COMMENT ON COLUMN warehouse.daily_sales.rejected_share IS 'Share of the lines delivered; NULL if none were';

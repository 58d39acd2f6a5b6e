CREATE VIEW warehouse.orders AS
SELECT f.order_id,
       min(f.order_ts) AS ordered_at,
       to_date(min(f.date_id)::text, 'YYYYMMDD') AS order_date,
       min(f.status) AS status,
       bool_or(s.counts_as_sale) AS counts_as_sale,
       min(f.user_id) AS user_id,
       count(*) AS lines,
       sum(f.quantity) AS pieces,
       sum(f.revenue) AS revenue,
       coalesce(sum(f.revenue - coalesce(f.refunded, 0)) FILTER (WHERE s.counts_as_sale), 0) AS net_revenue,
       f.load_date AS reported_on,
       sum(f.discount) AS discount,
       sum(f.tax) AS tax,
       sum(f.shipping) AS shipping,
       sum(f.refunded) AS refunded,
       min(f.currency) AS currency,
       sum(f.revenue_in_currency) AS revenue_in_currency
FROM warehouse.fact_orders f
JOIN warehouse.order_statuses s ON s.status = f.status
GROUP BY f.load_date, f.order_id;

COMMENT ON VIEW warehouse.orders IS 'One row per order, as the report that counts has it. Filter by reported_on or, for days on which they were placed, by warehouse.order_lines.date_id.';
COMMENT ON COLUMN warehouse.orders.order_id IS 'Order';
COMMENT ON COLUMN warehouse.orders.ordered_at IS 'When it was placed';
COMMENT ON COLUMN warehouse.orders.order_date IS 'Day on which it was placed (the shop''s: setting time_zone)';
COMMENT ON COLUMN warehouse.orders.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.orders.counts_as_sale IS 'Whether net revenue counts it';
COMMENT ON COLUMN warehouse.orders.user_id IS 'Customer; (guest) without one';
COMMENT ON COLUMN warehouse.orders.lines IS 'Lines that the warehouse has of it; rejected ones are not among them';
COMMENT ON COLUMN warehouse.orders.pieces IS 'Sum of quantities';
COMMENT ON COLUMN warehouse.orders.revenue IS 'What its lines are worth, less discounts, whatever the status';
COMMENT ON COLUMN warehouse.orders.net_revenue IS 'The same less refunded if it counts as a sale, else 0';
COMMENT ON COLUMN warehouse.orders.reported_on IS 'Day of the delivery whose report counts';
COMMENT ON COLUMN warehouse.orders.discount IS 'What was taken off, already less in revenue; NULL if the source says of none';
COMMENT ON COLUMN warehouse.orders.tax IS 'Tax of the order; whether revenue contains it is as the shop''s prices do';
COMMENT ON COLUMN warehouse.orders.shipping IS 'What the customer paid for shipping; not in revenue';
COMMENT ON COLUMN warehouse.orders.refunded IS 'What was paid back; NULL if the source says of nothing';
COMMENT ON COLUMN warehouse.orders.currency IS 'Currency that the order is in; the amounts are in the warehouse''s currency';
COMMENT ON COLUMN warehouse.orders.revenue_in_currency IS 'Revenue in the order''s own currency';

CREATE VIEW warehouse.orders AS
SELECT o.order_id,
       o.order_ts,
       d.date AS order_date,
       o.status,
       o.counts_as_sale,
       o.user_id,
       o.lines,
       o.quantity,
       o.revenue,
       o.net_revenue,
       o.load_date,
       o.discount,
       o.tax,
       o.shipping,
       o.refunded,
       o.currency,
       o.revenue_in_currency,
       o.date_id,
       d.year,
       d.quarter,
       d.month,
       d.month_name,
       d.iso_year,
       d.week,
       d.day_of_week,
       d.day_name,
       d.is_weekend,
       u.city,
       u.marketing_source,
       -- Old names, of release 0.1.0.
       o.order_ts AS ordered_at,
       o.quantity AS pieces,
       o.load_date AS reported_on
FROM (
    -- The lines of an order have one time, and so one day.
    SELECT f.order_id,
           f.date_id,
           f.load_date,
           min(f.order_ts) AS order_ts,
           min(f.status) AS status,
           bool_or(s.counts_as_sale) AS counts_as_sale,
           min(f.user_id) AS user_id,
           count(*) AS lines,
           sum(f.quantity) AS quantity,
           sum(f.revenue) AS revenue,
           coalesce(sum(f.revenue - coalesce(f.refunded, 0)) FILTER (WHERE s.counts_as_sale), 0) AS net_revenue,
           sum(f.discount) AS discount,
           sum(f.tax) AS tax,
           sum(f.shipping) AS shipping,
           sum(f.refunded) AS refunded,
           min(f.currency) AS currency,
           sum(f.revenue_in_currency) AS revenue_in_currency
    FROM warehouse.fact_orders f
    JOIN warehouse.order_statuses s ON s.status = f.status
    GROUP BY f.load_date, f.date_id, f.order_id
) AS o
LEFT JOIN warehouse.dim_date d ON d.date_id = o.date_id
LEFT JOIN warehouse.dim_user u ON u.user_id = o.user_id;

COMMENT ON VIEW warehouse.orders IS 'One row per order, as the report that counts has it. Filter by date_id (days on which orders were placed) or load_date (days of deliveries)';
COMMENT ON COLUMN warehouse.orders.order_id IS 'Order';
COMMENT ON COLUMN warehouse.orders.order_ts IS 'When the order was placed';
COMMENT ON COLUMN warehouse.orders.order_date IS 'Day on which the order was placed, the shop''s (setting time_zone)';
COMMENT ON COLUMN warehouse.orders.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.orders.counts_as_sale IS 'Whether net_revenue and warehouse.sales count it';
COMMENT ON COLUMN warehouse.orders.user_id IS 'Customer; (guest) without one';
COMMENT ON COLUMN warehouse.orders.lines IS 'Lines that the warehouse has of it; rejected ones are not among them';
COMMENT ON COLUMN warehouse.orders.quantity IS 'Sum over its lines: pieces, or kilograms, metres, …; below 0 for returns';
COMMENT ON COLUMN warehouse.orders.revenue IS 'What its lines are worth, less discounts, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.orders.net_revenue IS 'revenue less refunded if it counts as a sale, else 0; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.orders.load_date IS 'Day of the delivery whose report of the order counts';
COMMENT ON COLUMN warehouse.orders.discount IS 'What was taken off, already less in revenue; NULL if the source says of none; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.orders.tax IS 'Tax of the order; whether revenue contains it is as the shop''s prices do; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.orders.shipping IS 'What the customer paid for shipping; not in revenue; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.orders.refunded IS 'What was paid back; NULL if the source says of nothing; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.orders.currency IS 'Currency that the order is in';
COMMENT ON COLUMN warehouse.orders.revenue_in_currency IS 'revenue in the order''s own currency';
COMMENT ON COLUMN warehouse.orders.date_id IS 'Day on which the order was placed, as a number: 20251219. Filter by it: other days'' partitions are then not read';
COMMENT ON COLUMN warehouse.orders.year IS 'Calendar year of order_date';
COMMENT ON COLUMN warehouse.orders.quarter IS 'Quarter of order_date, 1 to 4';
COMMENT ON COLUMN warehouse.orders.month IS 'Month of order_date, 1 to 12';
COMMENT ON COLUMN warehouse.orders.month_name IS 'Month of order_date, in English: January';
COMMENT ON COLUMN warehouse.orders.iso_year IS 'Year that the week belongs to';
COMMENT ON COLUMN warehouse.orders.week IS 'ISO week of order_date, 1 to 53; belongs to iso_year';
COMMENT ON COLUMN warehouse.orders.day_of_week IS 'Weekday of order_date: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN warehouse.orders.day_name IS 'Weekday of order_date, in English: Monday';
COMMENT ON COLUMN warehouse.orders.is_weekend IS 'Whether order_date is a Saturday or Sunday';
COMMENT ON COLUMN warehouse.orders.city IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.orders.marketing_source IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.orders.ordered_at IS 'Old name of order_ts: use that';
COMMENT ON COLUMN warehouse.orders.pieces IS 'Old name of quantity: use that';
COMMENT ON COLUMN warehouse.orders.reported_on IS 'Old name of load_date: use that';

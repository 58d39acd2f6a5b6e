-- One name for one thing in the five views that BI tools read, their calendar, and the old names beside. A view that was built on a
-- renamed column follows it: it has the columns that it had, with the values that it had.

CREATE OR REPLACE VIEW warehouse.sales AS
SELECT f.order_id,
       f.line_number,
       f.date_id,
       f.order_ts,
       f.status,
       f.user_id,
       u.city,
       u.marketing_source,
       f.product_id,
       p.product_name,
       p.category,
       p.brand,
       f.quantity,
       f.unit_price,
       f.revenue,
       f.load_date,
       nullif(f.attributes - ARRAY(
           SELECT k.field FROM staging.fields k
           WHERE k.source = 'orders' AND k.is_personal AND NOT has_table_privilege('warehouse.fact_orders'::regclass, 'SELECT')), '{}') AS attributes,
       f.discount,
       f.tax,
       f.shipping,
       f.refunded,
       f.revenue - coalesce(f.refunded, 0) AS net_revenue,
       f.currency,
       f.revenue_in_currency,
       d.date AS order_date,
       d.year,
       d.quarter,
       d.month,
       d.month_name,
       d.iso_year,
       d.week,
       d.day_of_week,
       d.day_name,
       d.is_weekend
FROM warehouse.fact_orders f
JOIN warehouse.order_statuses s ON s.status = f.status AND s.counts_as_sale
-- Every line has these. A dimension of which a query names no column is then not read.
LEFT JOIN warehouse.dim_date d ON d.date_id = f.date_id
LEFT JOIN warehouse.dim_user u ON u.user_id = f.user_id
LEFT JOIN warehouse.dim_product p ON p.product_id = f.product_id;

COMMENT ON VIEW warehouse.sales IS 'One row per order line that counts as a sale: what was sold, when, to whom';
COMMENT ON COLUMN warehouse.sales.order_id IS 'Order';
COMMENT ON COLUMN warehouse.sales.line_number IS 'Item of the order, from 1';
COMMENT ON COLUMN warehouse.sales.date_id IS 'Day on which the order was placed, as a number: 20251219. Filter by it: other days'' partitions are then not read';
COMMENT ON COLUMN warehouse.sales.order_ts IS 'When the order was placed';
COMMENT ON COLUMN warehouse.sales.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.sales.user_id IS 'Customer; (guest) without one';
COMMENT ON COLUMN warehouse.sales.city IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.sales.marketing_source IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.sales.product_id IS 'Product';
COMMENT ON COLUMN warehouse.sales.product_name IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.sales.category IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.sales.brand IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.sales.quantity IS 'Pieces, or kilograms, metres, …; below 0 for a return';
COMMENT ON COLUMN warehouse.sales.unit_price IS 'Price of one piece that was paid, in the warehouse''s currency';
COMMENT ON COLUMN warehouse.sales.revenue IS 'What it was sold for: quantity x unit_price, or the source''s line_total, less discount; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.sales.load_date IS 'Day of the delivery whose report of the order counts';
COMMENT ON COLUMN warehouse.sales.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none. Personal ones only for those who may read the facts';
COMMENT ON COLUMN warehouse.sales.discount IS 'What was taken off, already less in revenue; NULL if the source says of none; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.sales.tax IS 'Tax of the line; whether revenue contains it is as the shop''s prices do; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.sales.shipping IS 'Its share of the order''s shipping; not in revenue; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.sales.refunded IS 'Its share of what was paid back; NULL if the source says of nothing; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.sales.net_revenue IS 'revenue less refunded, what was sold and kept; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.sales.currency IS 'Currency that the order is in';
COMMENT ON COLUMN warehouse.sales.revenue_in_currency IS 'revenue in the order''s own currency';
COMMENT ON COLUMN warehouse.sales.order_date IS 'Day on which the order was placed, the shop''s (setting time_zone)';
COMMENT ON COLUMN warehouse.sales.year IS 'Calendar year of order_date';
COMMENT ON COLUMN warehouse.sales.quarter IS 'Quarter of order_date, 1 to 4';
COMMENT ON COLUMN warehouse.sales.month IS 'Month of order_date, 1 to 12';
COMMENT ON COLUMN warehouse.sales.month_name IS 'Month of order_date, in English: January';
COMMENT ON COLUMN warehouse.sales.iso_year IS 'Year that the week belongs to';
COMMENT ON COLUMN warehouse.sales.week IS 'ISO week of order_date, 1 to 53; belongs to iso_year';
COMMENT ON COLUMN warehouse.sales.day_of_week IS 'Weekday of order_date: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN warehouse.sales.day_name IS 'Weekday of order_date, in English: Monday';
COMMENT ON COLUMN warehouse.sales.is_weekend IS 'Whether order_date is a Saturday or Sunday';

ALTER VIEW warehouse.orders RENAME COLUMN ordered_at TO order_ts;
ALTER VIEW warehouse.orders RENAME COLUMN pieces TO quantity;
ALTER VIEW warehouse.orders RENAME COLUMN reported_on TO load_date;
CREATE OR REPLACE VIEW warehouse.orders AS
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

ALTER VIEW warehouse.order_lines RENAME COLUMN ordered_at TO order_ts;
ALTER VIEW warehouse.order_lines RENAME COLUMN user_city TO city;
ALTER VIEW warehouse.order_lines RENAME COLUMN user_marketing_source TO marketing_source;
ALTER VIEW warehouse.order_lines RENAME COLUMN reported_on TO load_date;
ALTER VIEW warehouse.order_lines RENAME COLUMN product_name TO product_name_then;
ALTER VIEW warehouse.order_lines RENAME COLUMN category TO category_then;
ALTER VIEW warehouse.order_lines RENAME COLUMN brand TO brand_then;
CREATE OR REPLACE VIEW warehouse.order_lines AS
SELECT f.order_id,
       f.line_number,
       f.date_id,
       d.date AS order_date,
       d.day_name,
       d.is_weekend,
       f.order_ts,
       f.status,
       s.counts_as_sale,
       f.user_id,
       u.city,
       u.marketing_source,
       f.product_id,
       coalesce(h.product_name, p.product_name) AS product_name_then,
       coalesce(h.category, p.category) AS category_then,
       coalesce(h.brand, p.brand) AS brand_then,
       h.current_price AS catalogue_price_then,
       f.quantity,
       f.unit_price,
       f.revenue,
       CASE WHEN s.counts_as_sale THEN f.revenue - coalesce(f.refunded, 0) ELSE 0 END AS net_revenue,
       f.load_date,
       nullif(f.attributes - ARRAY(
           SELECT k.field FROM staging.fields k
           WHERE k.source = 'orders' AND k.is_personal AND NOT has_table_privilege('warehouse.fact_orders'::regclass, 'SELECT')), '{}') AS attributes,
       f.discount,
       f.tax,
       f.shipping,
       f.refunded,
       f.currency,
       f.revenue_in_currency,
       p.product_name,
       p.category,
       p.brand,
       d.year,
       d.quarter,
       d.month,
       d.month_name,
       d.iso_year,
       d.week,
       d.day_of_week,
       -- Old names, of release 0.1.0.
       f.order_ts AS ordered_at,
       u.city AS user_city,
       u.marketing_source AS user_marketing_source,
       f.load_date AS reported_on
FROM warehouse.fact_orders f
JOIN warehouse.order_statuses s ON s.status = f.status
LEFT JOIN warehouse.dim_date d ON d.date_id = f.date_id
LEFT JOIN warehouse.dim_user u ON u.user_id = f.user_id
LEFT JOIN warehouse.dim_product p ON p.product_id = f.product_id
LEFT JOIN warehouse.dim_product_history h
       ON h.product_id = f.product_id AND d.date >= h.effective_from AND (d.date < h.effective_to OR h.effective_to IS NULL);

COMMENT ON VIEW warehouse.order_lines IS 'One row per order line, whatever its status, with its day, its customer as it is now, and its product as it is now and as it was on the day of the order';
COMMENT ON COLUMN warehouse.order_lines.order_id IS 'Order';
COMMENT ON COLUMN warehouse.order_lines.line_number IS 'Item of the order, from 1';
COMMENT ON COLUMN warehouse.order_lines.date_id IS 'Day on which the order was placed, as a number: 20251219. Filter by it: other days'' partitions are then not read';
COMMENT ON COLUMN warehouse.order_lines.order_date IS 'Day on which the order was placed, the shop''s (setting time_zone)';
COMMENT ON COLUMN warehouse.order_lines.day_name IS 'Weekday of order_date, in English: Monday';
COMMENT ON COLUMN warehouse.order_lines.is_weekend IS 'Whether order_date is a Saturday or Sunday';
COMMENT ON COLUMN warehouse.order_lines.order_ts IS 'When the order was placed';
COMMENT ON COLUMN warehouse.order_lines.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.order_lines.counts_as_sale IS 'Whether net_revenue and warehouse.sales count it';
COMMENT ON COLUMN warehouse.order_lines.user_id IS 'Customer; (guest) without one';
COMMENT ON COLUMN warehouse.order_lines.city IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.order_lines.marketing_source IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.order_lines.product_id IS 'Product';
COMMENT ON COLUMN warehouse.order_lines.product_name_then IS 'As the catalogue in force on the day of the order says; before the first one, as the newest says';
COMMENT ON COLUMN warehouse.order_lines.category_then IS 'As the catalogue in force on the day of the order says; before the first one, as the newest says';
COMMENT ON COLUMN warehouse.order_lines.brand_then IS 'As the catalogue in force on the day of the order says; before the first one, as the newest says';
COMMENT ON COLUMN warehouse.order_lines.catalogue_price_then IS 'Price of one piece in the catalogue in force on the day of the order, in the warehouse''s currency; NULL before the first one';
COMMENT ON COLUMN warehouse.order_lines.quantity IS 'Pieces, or kilograms, metres, …; below 0 for a return';
COMMENT ON COLUMN warehouse.order_lines.unit_price IS 'Price of one piece that was paid, in the warehouse''s currency';
COMMENT ON COLUMN warehouse.order_lines.revenue IS 'quantity x unit_price, or the source''s line_total, less discount, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.order_lines.net_revenue IS 'revenue less refunded if it counts as a sale, else 0; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.order_lines.load_date IS 'Day of the delivery whose report of the order counts';
COMMENT ON COLUMN warehouse.order_lines.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none. Personal ones only for those who may read the facts';
COMMENT ON COLUMN warehouse.order_lines.discount IS 'What was taken off, already less in revenue; NULL if the source says of none; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.order_lines.tax IS 'Tax of the line; whether revenue contains it is as the shop''s prices do; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.order_lines.shipping IS 'Its share of the order''s shipping; not in revenue; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.order_lines.refunded IS 'Its share of what was paid back; NULL if the source says of nothing; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.order_lines.currency IS 'Currency that the order is in';
COMMENT ON COLUMN warehouse.order_lines.revenue_in_currency IS 'revenue in the order''s own currency';
COMMENT ON COLUMN warehouse.order_lines.product_name IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.order_lines.category IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.order_lines.brand IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.order_lines.year IS 'Calendar year of order_date';
COMMENT ON COLUMN warehouse.order_lines.quarter IS 'Quarter of order_date, 1 to 4';
COMMENT ON COLUMN warehouse.order_lines.month IS 'Month of order_date, 1 to 12';
COMMENT ON COLUMN warehouse.order_lines.month_name IS 'Month of order_date, in English: January';
COMMENT ON COLUMN warehouse.order_lines.iso_year IS 'Year that the week belongs to';
COMMENT ON COLUMN warehouse.order_lines.week IS 'ISO week of order_date, 1 to 53; belongs to iso_year';
COMMENT ON COLUMN warehouse.order_lines.day_of_week IS 'Weekday of order_date: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN warehouse.order_lines.ordered_at IS 'Old name of order_ts: use that';
COMMENT ON COLUMN warehouse.order_lines.user_city IS 'Old name of city: use that';
COMMENT ON COLUMN warehouse.order_lines.user_marketing_source IS 'Old name of marketing_source: use that';
COMMENT ON COLUMN warehouse.order_lines.reported_on IS 'Old name of load_date: use that';

ALTER VIEW warehouse.events RENAME COLUMN happened_at TO event_ts;
ALTER VIEW warehouse.events RENAME COLUMN user_city TO city;
ALTER VIEW warehouse.events RENAME COLUMN user_marketing_source TO marketing_source;
ALTER VIEW warehouse.events RENAME COLUMN reported_on TO load_date;
CREATE OR REPLACE VIEW warehouse.events AS
SELECT f.event_id,
       f.event_type,
       f.date_id,
       d.date AS event_date,
       f.event_ts,
       f.user_id,
       u.city,
       u.marketing_source,
       f.product_id,
       p.product_name,
       p.category,
       p.brand,
       f.load_date,
       nullif(f.attributes - ARRAY(
           SELECT k.field FROM staging.fields k
           WHERE k.source = 'events' AND k.is_personal AND NOT has_table_privilege('warehouse.fact_events'::regclass, 'SELECT')), '{}') AS attributes,
       d.year,
       d.quarter,
       d.month,
       d.month_name,
       d.iso_year,
       d.week,
       d.day_of_week,
       d.day_name,
       d.is_weekend,
       -- Old names, of release 0.1.0.
       f.event_ts AS happened_at,
       u.city AS user_city,
       u.marketing_source AS user_marketing_source,
       f.load_date AS reported_on
FROM warehouse.fact_events f
LEFT JOIN warehouse.dim_date d ON d.date_id = f.date_id
LEFT JOIN warehouse.dim_user u ON u.user_id = f.user_id
LEFT JOIN warehouse.dim_product p ON p.product_id = f.product_id;

COMMENT ON VIEW warehouse.events IS 'One row per event, with its day, its user and its product as they are now';
COMMENT ON COLUMN warehouse.events.event_id IS 'Of the source';
COMMENT ON COLUMN warehouse.events.event_type IS 'Canonical type: page_view, add_to_cart, purchase, …';
COMMENT ON COLUMN warehouse.events.date_id IS 'Day on which it happened, as a number: 20251219. Filter by it: other days'' partitions are then not read';
COMMENT ON COLUMN warehouse.events.event_date IS 'Day on which it happened, the shop''s (setting time_zone)';
COMMENT ON COLUMN warehouse.events.event_ts IS 'When it happened';
COMMENT ON COLUMN warehouse.events.user_id IS 'User; (guest) without one';
COMMENT ON COLUMN warehouse.events.city IS 'Of the user, as it is now';
COMMENT ON COLUMN warehouse.events.marketing_source IS 'Of the user, as it is now';
COMMENT ON COLUMN warehouse.events.product_id IS 'Product; (none) without one';
COMMENT ON COLUMN warehouse.events.product_name IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.category IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.brand IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.load_date IS 'Day of the delivery whose report of the event counts';
COMMENT ON COLUMN warehouse.events.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none. Personal ones only for those who may read the facts';
COMMENT ON COLUMN warehouse.events.year IS 'Calendar year of event_date';
COMMENT ON COLUMN warehouse.events.quarter IS 'Quarter of event_date, 1 to 4';
COMMENT ON COLUMN warehouse.events.month IS 'Month of event_date, 1 to 12';
COMMENT ON COLUMN warehouse.events.month_name IS 'Month of event_date, in English: January';
COMMENT ON COLUMN warehouse.events.iso_year IS 'Year that the week belongs to';
COMMENT ON COLUMN warehouse.events.week IS 'ISO week of event_date, 1 to 53; belongs to iso_year';
COMMENT ON COLUMN warehouse.events.day_of_week IS 'Weekday of event_date: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN warehouse.events.day_name IS 'Weekday of event_date, in English: Monday';
COMMENT ON COLUMN warehouse.events.is_weekend IS 'Whether event_date is a Saturday or Sunday';
COMMENT ON COLUMN warehouse.events.happened_at IS 'Old name of event_ts: use that';
COMMENT ON COLUMN warehouse.events.user_city IS 'Old name of city: use that';
COMMENT ON COLUMN warehouse.events.user_marketing_source IS 'Old name of marketing_source: use that';
COMMENT ON COLUMN warehouse.events.reported_on IS 'Old name of load_date: use that';

ALTER VIEW warehouse.days RENAME COLUMN day TO load_date;
ALTER VIEW warehouse.days RENAME COLUMN status TO run_status;
CREATE OR REPLACE VIEW warehouse.days AS
SELECT m.run_date AS load_date,
       m.status AS run_status,
       m.raw_order_lines_count + m.raw_events_count AS delivered,
       m.staging_orders_count + m.staging_events_count AS clean,
       m.duplicate_orders_count + m.duplicate_events_count AS duplicate,
       m.rejected_orders_count + m.rejected_events_count AS rejected,
       m.superseded_orders_count + m.superseded_events_count AS superseded,
       m.fact_orders_count + m.fact_events_count AS in_facts,
       m.revenue,
       m.net_revenue,
       m.dq_failed_count AS quality_failures,
       m.runtime_seconds,
       m.discount,
       m.tax,
       m.shipping,
       m.refunded,
       d.year,
       d.quarter,
       d.month,
       d.month_name,
       d.iso_year,
       d.week,
       d.day_of_week,
       d.day_name,
       d.is_weekend,
       -- Old names, of release 0.1.0.
       m.run_date AS day,
       m.status AS status
FROM warehouse.daily_metrics m
LEFT JOIN warehouse.dim_date d ON d.date = m.run_date;

COMMENT ON VIEW warehouse.days IS 'One row per day that was run: what was delivered and what became of it, order lines and events together. load_date is the day of the deliveries, not of the orders';
COMMENT ON COLUMN warehouse.days.load_date IS 'Day of the deliveries';
COMMENT ON COLUMN warehouse.days.run_status IS 'running, succeeded, failed or blocked: how its last run stands';
COMMENT ON COLUMN warehouse.days.delivered IS 'Lines delivered = clean + duplicate + rejected';
COMMENT ON COLUMN warehouse.days.clean IS 'Lines in staging = in_facts + superseded, once the day is loaded';
COMMENT ON COLUMN warehouse.days.duplicate IS 'Lines that a later report of the same day replaced';
COMMENT ON COLUMN warehouse.days.rejected IS 'Lines rejected: audit.bad_records';
COMMENT ON COLUMN warehouse.days.superseded IS 'Lines of orders and events while the report of another day counts';
COMMENT ON COLUMN warehouse.days.in_facts IS 'Lines in the facts';
COMMENT ON COLUMN warehouse.days.revenue IS 'Of the lines in the facts, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.net_revenue IS 'The same, of statuses that count as a sale, less what was refunded of these; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.quality_failures IS 'Rows that break a rule, summed over the rules; a failed rule about the day counts 1';
COMMENT ON COLUMN warehouse.days.runtime_seconds IS 'Seconds that the last run took';
COMMENT ON COLUMN warehouse.days.discount IS 'Of the lines in the facts, whatever the status; revenue is already less these; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.tax IS 'Of the lines in the facts, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.shipping IS 'Of the lines in the facts, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.refunded IS 'Paid back of the lines in the facts, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.year IS 'Calendar year of load_date';
COMMENT ON COLUMN warehouse.days.quarter IS 'Quarter of load_date, 1 to 4';
COMMENT ON COLUMN warehouse.days.month IS 'Month of load_date, 1 to 12';
COMMENT ON COLUMN warehouse.days.month_name IS 'Month of load_date, in English: January';
COMMENT ON COLUMN warehouse.days.iso_year IS 'Year that the week belongs to';
COMMENT ON COLUMN warehouse.days.week IS 'ISO week of load_date, 1 to 53; belongs to iso_year';
COMMENT ON COLUMN warehouse.days.day_of_week IS 'Weekday of load_date: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN warehouse.days.day_name IS 'Weekday of load_date, in English: Monday';
COMMENT ON COLUMN warehouse.days.is_weekend IS 'Whether load_date is a Saturday or Sunday';
COMMENT ON COLUMN warehouse.days.day IS 'Old name of load_date: use that';
COMMENT ON COLUMN warehouse.days.status IS 'Old name of run_status: use that';


GRANT USAGE ON SCHEMA warehouse, audit, marts TO warehouse_bi;
GRANT SELECT ON warehouse.sales, warehouse.orders, warehouse.order_lines, warehouse.events, warehouse.days,
    warehouse.dim_date, warehouse.dim_user, warehouse.dim_product, warehouse.dim_product_history, warehouse.order_statuses,
    warehouse.exchange_rates, warehouse.daily_metrics, audit.alerts, audit.health, audit.day_lines, audit.day_statuses
TO warehouse_bi;

CREATE VIEW warehouse.sales AS
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

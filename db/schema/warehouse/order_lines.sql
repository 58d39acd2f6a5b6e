CREATE VIEW warehouse.order_lines AS
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

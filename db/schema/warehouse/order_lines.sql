CREATE VIEW warehouse.order_lines AS
SELECT f.order_id,
       f.line_number,
       f.date_id,
       d.date AS order_date,
       d.day_name,
       d.is_weekend,
       f.order_ts AS ordered_at,
       f.status,
       s.counts_as_sale,
       f.user_id,
       u.city AS user_city,
       u.marketing_source AS user_marketing_source,
       f.product_id,
       coalesce(h.product_name, p.product_name) AS product_name,
       coalesce(h.category, p.category) AS category,
       coalesce(h.brand, p.brand) AS brand,
       h.current_price AS catalogue_price_then,
       f.quantity,
       f.unit_price,
       f.revenue,
       CASE WHEN s.counts_as_sale THEN f.revenue - coalesce(f.refunded, 0) ELSE 0 END AS net_revenue,
       f.load_date AS reported_on,
       f.attributes,
       f.discount,
       f.tax,
       f.shipping,
       f.refunded,
       f.currency,
       f.revenue_in_currency
FROM warehouse.fact_orders f
JOIN warehouse.dim_date d ON d.date_id = f.date_id
JOIN warehouse.order_statuses s ON s.status = f.status
JOIN warehouse.dim_user u ON u.user_id = f.user_id
JOIN warehouse.dim_product p ON p.product_id = f.product_id
LEFT JOIN warehouse.dim_product_history h
       ON h.product_id = f.product_id AND d.date >= h.effective_from AND (d.date < h.effective_to OR h.effective_to IS NULL);

COMMENT ON VIEW warehouse.order_lines IS 'One row per order line, with its day, its customer as it is now, and its product as it was on the day of the order';
COMMENT ON COLUMN warehouse.order_lines.order_id IS 'Order';
COMMENT ON COLUMN warehouse.order_lines.line_number IS 'Item of the order, from 1';
COMMENT ON COLUMN warehouse.order_lines.date_id IS 'Day on which it was placed, as a number; filter by it';
COMMENT ON COLUMN warehouse.order_lines.order_date IS 'Day on which it was placed (the shop''s: setting time_zone)';
COMMENT ON COLUMN warehouse.order_lines.day_name IS 'Its name';
COMMENT ON COLUMN warehouse.order_lines.is_weekend IS 'Whether it is a Saturday or Sunday';
COMMENT ON COLUMN warehouse.order_lines.ordered_at IS 'When it was placed';
COMMENT ON COLUMN warehouse.order_lines.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.order_lines.counts_as_sale IS 'Whether net revenue counts it';
COMMENT ON COLUMN warehouse.order_lines.user_id IS 'Customer; (guest) without one';
COMMENT ON COLUMN warehouse.order_lines.user_city IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.order_lines.user_marketing_source IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.order_lines.product_id IS 'Product';
COMMENT ON COLUMN warehouse.order_lines.product_name IS 'As the catalogue in force on that day says; before the first one, as the newest says';
COMMENT ON COLUMN warehouse.order_lines.category IS 'The same';
COMMENT ON COLUMN warehouse.order_lines.brand IS 'The same';
COMMENT ON COLUMN warehouse.order_lines.catalogue_price_then IS 'Price of one piece in the catalogue in force on that day; NULL before the first one';
COMMENT ON COLUMN warehouse.order_lines.quantity IS 'Pieces, or kilograms, metres, …; below 0 for a return';
COMMENT ON COLUMN warehouse.order_lines.unit_price IS 'Price of one piece that was paid';
COMMENT ON COLUMN warehouse.order_lines.revenue IS 'quantity x unit_price, or the source''s line_total, less discount, whatever the status';
COMMENT ON COLUMN warehouse.order_lines.net_revenue IS 'The same less refunded if it counts as a sale, else 0';
COMMENT ON COLUMN warehouse.order_lines.reported_on IS 'Day of the delivery whose report of the order counts';
COMMENT ON COLUMN warehouse.order_lines.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none';
COMMENT ON COLUMN warehouse.order_lines.discount IS 'What was taken off, already less in revenue; NULL if the source says of none';
COMMENT ON COLUMN warehouse.order_lines.tax IS 'Tax of the line; whether revenue contains it is as the shop''s prices do';
COMMENT ON COLUMN warehouse.order_lines.shipping IS 'Its share of the order''s shipping; not in revenue';
COMMENT ON COLUMN warehouse.order_lines.refunded IS 'Its share of what was paid back; NULL if the source says of nothing';
COMMENT ON COLUMN warehouse.order_lines.currency IS 'Currency that the order is in; the amounts are in the warehouse''s currency';
COMMENT ON COLUMN warehouse.order_lines.revenue_in_currency IS 'Revenue in the order''s own currency';

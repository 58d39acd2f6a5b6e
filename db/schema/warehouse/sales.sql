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
       f.attributes,
       f.discount,
       f.tax,
       f.shipping,
       f.refunded,
       f.revenue - coalesce(f.refunded, 0) AS net_revenue,
       f.currency,
       f.revenue_in_currency
FROM warehouse.fact_orders f
JOIN warehouse.order_statuses s ON s.status = f.status AND s.counts_as_sale
JOIN warehouse.dim_user u ON u.user_id = f.user_id
JOIN warehouse.dim_product p ON p.product_id = f.product_id;

COMMENT ON VIEW warehouse.sales IS 'One row per order line that counts as a sale: what was sold, to whom';
COMMENT ON COLUMN warehouse.sales.order_id IS 'Order';
COMMENT ON COLUMN warehouse.sales.line_number IS 'Item of the order, from 1';
COMMENT ON COLUMN warehouse.sales.date_id IS 'Day on which it was placed, as a number';
COMMENT ON COLUMN warehouse.sales.order_ts IS 'When it was placed';
COMMENT ON COLUMN warehouse.sales.status IS 'Canonical status';
COMMENT ON COLUMN warehouse.sales.user_id IS 'Customer; (guest) without one';
COMMENT ON COLUMN warehouse.sales.city IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.sales.marketing_source IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.sales.product_id IS 'Product';
COMMENT ON COLUMN warehouse.sales.product_name IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.sales.category IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.sales.brand IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.sales.quantity IS 'Pieces, or kilograms, metres, …; below 0 for a return';
COMMENT ON COLUMN warehouse.sales.unit_price IS 'Price of one piece';
COMMENT ON COLUMN warehouse.sales.revenue IS 'What it was sold for: quantity x unit_price, or the source''s line_total, less discount';
COMMENT ON COLUMN warehouse.sales.load_date IS 'Load that the line is of';
COMMENT ON COLUMN warehouse.sales.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none';
COMMENT ON COLUMN warehouse.sales.discount IS 'What was taken off, already less in revenue; NULL if the source says of none';
COMMENT ON COLUMN warehouse.sales.tax IS 'Tax of the line; whether revenue contains it is as the shop''s prices do';
COMMENT ON COLUMN warehouse.sales.shipping IS 'Its share of the order''s shipping; not in revenue';
COMMENT ON COLUMN warehouse.sales.refunded IS 'Its share of what was paid back; NULL if the source says of nothing';
COMMENT ON COLUMN warehouse.sales.net_revenue IS 'revenue less refunded: what was sold and kept';
COMMENT ON COLUMN warehouse.sales.currency IS 'Currency that the order is in; the amounts are in the warehouse''s currency';
COMMENT ON COLUMN warehouse.sales.revenue_in_currency IS 'Revenue in the order''s own currency';

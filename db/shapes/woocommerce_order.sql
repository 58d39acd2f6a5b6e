-- An order of WooCommerce's REST API.
--
-- A line's `total` is what coupons leave of it; its `price` is that divided by the quantity, and often no price of any currency.
-- Fees below 0 are a discount of the order, others lines of their own. Taxes of lines are theirs; the rest is the order's.
CREATE OR REPLACE FUNCTION shapes.woocommerce_order(record json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT json_build_object(
        'order_id', o.id, 'user_id', nullif(o.customer_id, '0'), 'timestamp', o.date_created_gmt || 'Z', 'updated_at', o.date_modified_gmt || 'Z',
        'status', CASE o.status WHEN 'on-hold' THEN 'pending' ELSE o.status END, 'currency', o.currency, 'shipping', o.shipping_total,
        'discount', (SELECT -sum(f.total) FROM json_to_recordset(o.fee_lines) AS f (total numeric) WHERE f.total < 0),
        'tax', o.total_tax - (SELECT coalesce(sum(l.total_tax), 0) FROM json_to_recordset(o.line_items) AS l (total_tax numeric)),
        'refunded', (SELECT -sum(r.total) FROM json_to_recordset(o.refunds) AS r (total numeric)),
        'user', json_build_object('city', coalesce(nullif(o.billing ->> 'city', ''), o.shipping ->> 'city')),
        'items', (SELECT json_agg(json_build_object('product_id', l.product_id, 'quantity', l.quantity, 'line_total', l.total, 'tax', l.total_tax) ORDER BY l.part, l.place)
                  FROM (SELECT 1 AS part, i.place, coalesce(nullif(i.sku, ''), nullif(i.variation_id, '0'), i.product_id) AS product_id, i.quantity, i.total, i.total_tax
                        FROM ROWS FROM (json_to_recordset(o.line_items) AS (
                            sku text, variation_id text, product_id text, quantity text, total text, total_tax text))
                            WITH ORDINALITY AS i (sku, variation_id, product_id, quantity, total, total_tax, place)
                        UNION ALL
                        SELECT 2 AS part, f.place, f.name AS product_id, '1' AS quantity, f.total::text AS total, NULL AS total_tax
                        FROM ROWS FROM (json_to_recordset(o.fee_lines) AS (name text, total numeric)) WITH ORDINALITY AS f (name, total, place)
                        WHERE f.total >= 0) AS l))
    FROM json_to_record(record) AS o (
        id text, customer_id text, date_created_gmt text, date_modified_gmt text, status text, currency text, shipping_total text,
        total_tax numeric, billing json, shipping json, line_items json, fee_lines json, refunds json)
);
COMMENT ON FUNCTION shapes.woocommerce_order(json) IS 'An order of WooCommerce''s REST API in our form';

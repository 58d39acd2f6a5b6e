-- An order of Magento 2's REST API (`/V1/orders`): one of `items`.
--
-- A line with a parent is a part of a configurable or bundled product, which its parent is sold for: it is no line. A closed
-- order was refunded. Times are UTC. Taxes and discounts of lines are theirs; the rest is the order's.
CREATE OR REPLACE FUNCTION shapes.magento_order(record json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT json_build_object(
        'order_id', o.increment_id, 'user_id', CASE WHEN o.customer_is_guest IS DISTINCT FROM '1' THEN o.customer_id END,
        'timestamp', o.created_at || 'Z', 'updated_at', o.updated_at || 'Z', 'status', CASE o.status WHEN 'closed' THEN 'refunded' ELSE o.status END,
        'currency', o.order_currency_code, 'shipping', o.shipping_amount, 'refunded', o.total_refunded,
        'discount', greatest(abs(o.discount_amount) - l.discount, 0), 'tax', greatest(o.tax_amount - l.tax, 0),
        'user', json_build_object('city', o.billing_address ->> 'city'),
        'items', l.items)
    FROM json_to_record(record) AS o (
        increment_id text, customer_id text, customer_is_guest text, created_at text, updated_at text, status text, order_currency_code text,
        shipping_amount text, total_refunded text, discount_amount numeric, tax_amount numeric, billing_address json, items json)
    CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object('product_id', i.sku, 'quantity', i.qty_ordered, 'price', i.price, 'discount', i.discount_amount,
                                          'tax', i.tax_amount) ORDER BY i.place) AS items,
               coalesce(sum(i.discount_amount), 0) AS discount, coalesce(sum(i.tax_amount), 0) AS tax
        FROM ROWS FROM (json_to_recordset(o.items) AS (
            parent_item_id text, sku text, qty_ordered text, price text, discount_amount numeric, tax_amount numeric))
            WITH ORDINALITY AS i (parent_item_id, sku, qty_ordered, price, discount_amount, tax_amount, place)
        WHERE i.parent_item_id IS NULL
    ) AS l
);
COMMENT ON FUNCTION shapes.magento_order(json) IS 'An order of Magento 2''s REST API in our form';

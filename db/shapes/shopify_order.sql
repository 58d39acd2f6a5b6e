-- An order of Shopify's REST API, or of its webhooks: one object of the list under `orders`.
--
-- A line is what was ordered for: its discounts are those allocated to it, its tax is the sum of its tax lines. A line without
-- SKU and product (a tip, a custom item) is named by its title. A test order is none that was paid.
CREATE OR REPLACE FUNCTION shapes.shopify_order(record json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT json_build_object(
        'order_id', o.id, 'user_id', o.customer ->> 'id', 'timestamp', o.created_at, 'updated_at', o.updated_at, 'currency', o.currency,
        'status', CASE WHEN o.cancelled_at IS NOT NULL OR o.test THEN 'cancelled' ELSE o.financial_status END,
        'shipping', (SELECT sum(coalesce(s.discounted_price, s.price)) FROM json_to_recordset(o.shipping_lines) AS s (discounted_price numeric, price numeric)),
        'refunded', (SELECT sum(coalesce((SELECT sum(l.subtotal) FROM json_to_recordset(r.refund_line_items) AS l (subtotal numeric)),
                                         (SELECT sum(t.amount) FROM json_to_recordset(r.transactions) AS t (amount numeric))))
                     FROM json_to_recordset(o.refunds) AS r (refund_line_items json, transactions json)),
        'user', json_build_object(
            'city', coalesce(o.shipping_address ->> 'city', o.billing_address ->> 'city', o.customer -> 'default_address' ->> 'city'),
            'signup_date', left(o.customer ->> 'created_at', 10), 'marketing_source', o.source_name),
        'items', (SELECT json_agg(json_build_object(
                      'product_id', coalesce(nullif(l.sku, ''), l.product_id, l.title), 'quantity', l.quantity, 'price', l.price,
                      'discount', (SELECT sum(d.amount) FROM json_to_recordset(l.discount_allocations) AS d (amount numeric)),
                      'tax', (SELECT sum(t.price) FROM json_to_recordset(l.tax_lines) AS t (price numeric))) ORDER BY l.place)
                  FROM ROWS FROM (json_to_recordset(o.line_items) AS (
                      sku text, product_id text, title text, quantity text, price text, discount_allocations json, tax_lines json))
                      WITH ORDINALITY AS l (sku, product_id, title, quantity, price, discount_allocations, tax_lines, place)))
    FROM json_to_record(record) AS o (
        id text, created_at text, updated_at text, cancelled_at text, test boolean, financial_status text, currency text, source_name text,
        customer json, shipping_address json, billing_address json, line_items json, shipping_lines json, refunds json)
);
COMMENT ON FUNCTION shapes.shopify_order(json) IS 'An order of Shopify''s REST API in our form';

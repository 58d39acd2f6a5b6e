-- A row of Amazon's flat file of orders (tabs, Latin-1): a line of an order, so its shape says rows_are 'lines'.
--
-- item-price is of all pieces together. Shipping is a row's part of the order's. Amazon does not say who ordered.
CREATE OR REPLACE FUNCTION shapes.amazon_order_line(record json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT json_build_object(
        'order_id', a."amazon-order-id", 'timestamp', a."purchase-date", 'updated_at', nullif(a."last-updated-date", ''),
        'status', a."order-status", 'currency', a.currency,
        'user', json_build_object('city', a."ship-city"),
        'items', json_build_array(json_build_object(
            'product_id', coalesce(nullif(a.sku, ''), a.asin), 'quantity', a.quantity, 'line_total', nullif(a."item-price", ''),
            'discount', nullif(a."item-promotion-discount", '')::numeric, 'tax', nullif(a."item-tax", '')::numeric,
            'shipping', nullif(a."shipping-price", '')::numeric - coalesce(nullif(a."ship-promotion-discount", '')::numeric, 0))))
    FROM json_to_record(record) AS a (
        "amazon-order-id" text, "purchase-date" text, "last-updated-date" text, "order-status" text, currency text, "ship-city" text,
        sku text, asin text, quantity text, "item-price" text, "item-promotion-discount" text, "item-tax" text, "shipping-price" text,
        "ship-promotion-discount" text)
);
COMMENT ON FUNCTION shapes.amazon_order_line(json) IS 'A row of Amazon''s flat file of orders, a line of an order in our form';

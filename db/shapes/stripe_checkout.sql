-- A Checkout Session of Stripe, with its line_items expanded: one of `data`.
--
-- Amounts are in the smallest unit of the currency. Discounts and taxes of lines are theirs; the rest is the order's.
CREATE OR REPLACE FUNCTION shapes.stripe_checkout(record json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT json_build_object(
        'order_id', s.id, 'user_id', coalesce(s.customer ->> 'id', s.customer #>> '{}'), 'timestamp', shapes.epoch_time(s.created),
        'status', CASE WHEN s.status = 'expired' THEN s.status ELSE s.payment_status END, 'currency', upper(s.currency),
        'discount', shapes.from_minor(((s.total_details ->> 'amount_discount')::numeric - coalesce(l.discount, 0))::text, s.currency),
        'tax', shapes.from_minor(((s.total_details ->> 'amount_tax')::numeric - coalesce(l.tax, 0))::text, s.currency),
        'shipping', shapes.from_minor(s.total_details ->> 'amount_shipping', s.currency),
        'user', json_build_object('city', s.customer_details #>> '{address,city}'),
        'items', l.items)
    FROM json_to_record(record) AS s (
        id text, created text, status text, payment_status text, currency text, customer json, customer_details json, total_details json, line_items json)
    CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object(
                   'product_id', coalesce(i.price #>> '{product,id}', i.price ->> 'product', i.description), 'quantity', i.quantity,
                   'line_total', shapes.from_minor(coalesce(i.amount_subtotal, i.amount_total), s.currency),
                   'discount', shapes.from_minor(i.amount_discount::text, s.currency), 'tax', shapes.from_minor(i.amount_tax::text, s.currency)) ORDER BY i.place) AS items,
               sum(i.amount_discount) AS discount, sum(i.amount_tax) AS tax
        FROM ROWS FROM (json_to_recordset(s.line_items -> 'data') AS (
            price json, description text, quantity text, amount_subtotal text, amount_total text, amount_discount numeric, amount_tax numeric))
            WITH ORDINALITY AS i (price, description, quantity, amount_subtotal, amount_total, amount_discount, amount_tax, place)
    ) AS l
);
COMMENT ON FUNCTION shapes.stripe_checkout(json) IS 'A Checkout Session of Stripe in our form';

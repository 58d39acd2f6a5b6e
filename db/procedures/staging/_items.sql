-- The items of an order, with their shares of the order's own amounts. Without such amounts they are only listed, which
-- is all that most orders need.
--
-- p_items:  what the order has under items; anything but a list has no items
-- p_shares: whether there are amounts to share; then p_discount, p_tax, p_shipping, p_refunded (NULL for none)
-- p_digits: decimal places of the smallest part: 2 for cents; an amount that has more is shared in its own
-- Returns:  a row per item, its fields (NULL if it is no object), and its shares
--
-- An amount goes to the items by what each costs, rounded down; what is left goes to those whose remainders are the largest, one
-- smallest part each, and among equals to the first (Hamilton's method). So the shares sum to the amount exactly. If no item
-- costs anything, each counts the same. All is done in whole smallest parts, multiplied back: nothing is lost to a division.
-- Inlined into _read_orders; the two halves exclude each other.
CREATE OR REPLACE FUNCTION staging._items(
    p_items json, p_shares boolean, p_discount numeric, p_tax numeric, p_shipping numeric, p_refunded numeric, p_digits integer
)
RETURNS TABLE (
    item json, item_number bigint, fields staging.order_item, discount numeric, tax numeric, shipping numeric, refunded numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT i.item, i.number, CASE WHEN json_typeof(i.item) = 'object' THEN json_populate_record(NULL::staging.order_item, i.item) END,
           NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric
    FROM json_array_elements(CASE WHEN json_typeof(p_items) = 'array' THEN p_items END) WITH ORDINALITY AS i (item, number)
    WHERE NOT p_shares
    UNION ALL
    SELECT r.item, r.number, r.fields,
           (r.discount + (row_number() OVER (ORDER BY r.discount_left DESC, r.number) <= r.discount_parts - sum(r.discount) OVER ())::integer) * 10.0 ^ (-greatest(p_digits, min_scale(p_discount))),
           (r.tax + (row_number() OVER (ORDER BY r.tax_left DESC, r.number) <= r.tax_parts - sum(r.tax) OVER ())::integer) * 10.0 ^ (-greatest(p_digits, min_scale(p_tax))),
           (r.shipping + (row_number() OVER (ORDER BY r.shipping_left DESC, r.number) <= r.shipping_parts - sum(r.shipping) OVER ())::integer) * 10.0 ^ (-greatest(p_digits, min_scale(p_shipping))),
           (r.refunded + (row_number() OVER (ORDER BY r.refunded_left DESC, r.number) <= r.refunded_parts - sum(r.refunded) OVER ())::integer) * 10.0 ^ (-greatest(p_digits, min_scale(p_refunded)))
    FROM (
        SELECT s.*, div(s.discount_parts * s.weight, s.total) AS discount, mod(s.discount_parts * s.weight, s.total) AS discount_left,
               div(s.tax_parts * s.weight, s.total) AS tax, mod(s.tax_parts * s.weight, s.total) AS tax_left,
               div(s.shipping_parts * s.weight, s.total) AS shipping, mod(s.shipping_parts * s.weight, s.total) AS shipping_left,
               div(s.refunded_parts * s.weight, s.total) AS refunded, mod(s.refunded_parts * s.weight, s.total) AS refunded_left
        FROM (
            SELECT w.item, w.number, w.fields, CASE WHEN w.total > 0 THEN w.weight ELSE 1 END AS weight, CASE WHEN w.total > 0 THEN w.total ELSE w.items END AS total,
                   p_discount * 10.0 ^ greatest(p_digits, min_scale(p_discount)) AS discount_parts, p_tax * 10.0 ^ greatest(p_digits, min_scale(p_tax)) AS tax_parts,
                   p_shipping * 10.0 ^ greatest(p_digits, min_scale(p_shipping)) AS shipping_parts, p_refunded * 10.0 ^ greatest(p_digits, min_scale(p_refunded)) AS refunded_parts
            FROM (
                SELECT f.item, f.number, f.fields, f.weight, sum(f.weight) OVER () AS total, count(*) OVER () AS items
                FROM (
                    SELECT n.item, n.number, n.fields, greatest(coalesce(staging._line_amount(n.fields), 0), 0) AS weight
                    FROM (
                        SELECT i.item, i.number,
                               CASE WHEN json_typeof(i.item) = 'object' THEN json_populate_record(NULL::staging.order_item, i.item) END AS fields
                        FROM json_array_elements(CASE WHEN json_typeof(p_items) = 'array' THEN p_items END) WITH ORDINALITY AS i (item, number)
                        WHERE p_shares
                        OFFSET '0'
                    ) AS n
                    OFFSET '0'
                ) AS f
            ) AS w
        ) AS s
    ) AS r;
END;
COMMENT ON FUNCTION staging._items(json, boolean, numeric, numeric, numeric, numeric, integer) IS 'The items of an order, with their shares of the order''s own amounts';

-- The items of an order, numbered from 1, with the texts of their fields and their shares of the order's amounts (staging._shares; NULL
-- for none); nothing if they are no list. fields is NULL for an item that is no object.
--
-- It is inlined into _read_orders, on the right of a LEFT JOIN: so fields is worked out once per item, below the join. A fence here
-- would do that, too, and keep all that follows on one core.
CREATE OR REPLACE FUNCTION staging._items(p_items json, p_shares staging.order_share[])
RETURNS TABLE (item json, item_number bigint, fields staging.order_item, share staging.order_share)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT n.item, n.item_number, CASE WHEN json_typeof(n.item) = 'object' THEN json_populate_record(NULL::staging.order_item, n.item) END,
           ROW(n.discount, n.tax, n.shipping, n.refunded)::staging.order_share
    FROM ROWS FROM (json_array_elements(CASE WHEN json_typeof(p_items) = 'array' THEN p_items END), unnest(p_shares))
        WITH ORDINALITY AS n (item, discount, tax, shipping, refunded, item_number);
END;
COMMENT ON FUNCTION staging._items(json, staging.order_share[]) IS 'The items of an order, numbered from 1, with the texts of their fields and their shares of the order''s amounts';

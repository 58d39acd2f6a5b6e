-- The items of an order, numbered from 1, with the texts of their fields and their shares of the order's amounts (staging._item_shares; NULL
-- for none); nothing if they are no list. fields is NULL for an item that is no object. The shares are looked up, not joined: of most
-- orders there are none, and a second set of rows would cost each of them its memory. p_items and p_shares are columns.
--
-- It is inlined into _read_orders, on the right of a LEFT JOIN: so fields is worked out once per item, below the join. A fence here
-- would do that, too, and keep all that follows on one core.
CREATE OR REPLACE FUNCTION staging._items(p_items json, p_shares jsonb)
RETURNS TABLE (item json, item_number bigint, fields staging.order_item, share staging.order_share)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT n.item, n.item_number, CASE WHEN json_typeof(n.item) = 'object' THEN json_populate_record(NULL::staging.order_item, n.item) END,
           CASE WHEN p_shares IS NOT NULL THEN jsonb_populate_record(NULL::staging.order_share, p_shares -> (n.item_number::integer - 1)) END
    FROM json_array_elements(CASE WHEN json_typeof(p_items) = 'array' THEN p_items END) WITH ORDINALITY AS n (item, item_number);
END;
COMMENT ON FUNCTION staging._items(json, jsonb) IS 'The items of an order, numbered from 1, with the texts of their fields and their shares of the order''s amounts';

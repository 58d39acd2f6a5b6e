-- The items of an order, numbered from 1, with the texts of their fields; nothing if they are no list. It is inlined into
-- _read_orders. The fence keeps an item from being parsed again each time that one of its texts is used.
CREATE OR REPLACE FUNCTION staging._items(p_items json)
RETURNS TABLE (item json, item_number bigint, product_id text, quantity text, price text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT n.item, n.item_number, n.item ->> 'product_id', n.item ->> 'quantity', n.item ->> 'price'
    FROM json_array_elements(CASE WHEN json_typeof(p_items) = 'array' THEN p_items END) WITH ORDINALITY AS n (item, item_number)
    OFFSET '0';
END;
COMMENT ON FUNCTION staging._items(json) IS 'The items of an order, numbered from 1, with the texts of their fields';

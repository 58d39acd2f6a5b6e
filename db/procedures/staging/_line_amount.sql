-- What an item costs before the order's own discount: line_total, or quantity x price, less its own discount; NULL if that
-- cannot be said.
CREATE OR REPLACE FUNCTION staging._line_amount(p_item staging.order_item) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(staging._to_number(staging._trimmed((p_item).line_total)),
                staging._to_number(staging._trimmed((p_item).quantity)) * staging._to_number(staging._trimmed((p_item).price)))
       - coalesce(staging._to_number(staging._trimmed((p_item).discount)), 0);
COMMENT ON FUNCTION staging._line_amount(staging.order_item) IS 'What an item costs before the order''s own discount';

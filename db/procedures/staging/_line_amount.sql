-- What an item costs before the order's own discount: line_total, or quantity x price, less its own discount; NULL if that
-- cannot be said. All are as delivered, trimmed. It is inlined.
CREATE OR REPLACE FUNCTION staging._line_amount(p_line_total text, p_quantity text, p_price text, p_discount text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(staging._to_number(p_line_total), staging._to_number(p_quantity) * staging._to_number(p_price)) - coalesce(staging._to_number(p_discount), 0);
COMMENT ON FUNCTION staging._line_amount(text, text, text, text) IS 'What an item costs before the order''s own discount';

-- What a line and its order say of money beyond quantity and price. In the flat shape (p_item is NULL) the order's amounts are its line's.
-- It is inlined.
CREATE OR REPLACE FUNCTION staging._line_money(
    p_told staging.order_money, p_item staging.order_item, p_share staging.order_share, p_amounts staging.order_amounts, p_rate numeric
) RETURNS staging.line_money
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ROW(
    staging._trimmed(CASE WHEN p_item IS NOT DISTINCT FROM NULL THEN (p_told).line_total ELSE (p_item).line_total END),
    staging._trimmed(CASE WHEN p_item IS NOT DISTINCT FROM NULL THEN (p_told).discount ELSE (p_item).discount END),
    staging._trimmed(CASE WHEN p_item IS NOT DISTINCT FROM NULL THEN (p_told).tax ELSE (p_item).tax END),
    (p_share).discount, (p_share).tax,
    CASE WHEN p_item IS NOT DISTINCT FROM NULL THEN (p_amounts).shipping ELSE (p_share).shipping END,
    CASE WHEN p_item IS NOT DISTINCT FROM NULL THEN (p_amounts).refunded ELSE (p_share).refunded END,
    (p_amounts).digits, (p_amounts).problem, (p_told).currency, p_rate)::staging.line_money;
COMMENT ON FUNCTION staging._line_money(staging.order_money, staging.order_item, staging.order_share, staging.order_amounts, numeric)
    IS 'What a line and its order say of money beyond quantity and price';

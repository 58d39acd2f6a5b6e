-- The amounts of a whole order, as numbers; what is wrong with one of them stands in its problem, and then it is NULL.
-- One expression, so that it is inlined.
--
-- p_has_items: whether it has items. In the flat shape discount and tax are the line's
-- p_currency:  of the warehouse, in which an order is that names none
CREATE OR REPLACE FUNCTION staging._order_amounts(p_told staging.order_money, p_has_items boolean, p_currency text) RETURNS staging.order_amounts
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ROW(
    CASE WHEN p_has_items THEN staging._to_number(staging._trimmed((p_told).discount)) END,
    CASE WHEN p_has_items THEN staging._to_number(staging._trimmed((p_told).tax)) END,
    staging._to_number(staging._trimmed((p_told).shipping)), staging._to_number(staging._trimmed((p_told).refunded)),
    staging._minor_units(coalesce((p_told).currency, p_currency)),
    coalesce(CASE WHEN p_has_items THEN staging._money_problem('discount', staging._trimmed((p_told).discount), false) END,
             CASE WHEN p_has_items THEN staging._money_problem('tax', staging._trimmed((p_told).tax), false) END,
             staging._money_problem('shipping', staging._trimmed((p_told).shipping), false),
             staging._money_problem('refunded', staging._trimmed((p_told).refunded), false))
)::staging.order_amounts;
COMMENT ON FUNCTION staging._order_amounts(staging.order_money, boolean, text) IS 'The amounts of a whole order, as numbers';

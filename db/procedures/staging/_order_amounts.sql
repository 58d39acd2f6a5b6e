-- The amounts of a whole order, as numbers; what is wrong with one of them stands in its problem, and then it is NULL.
-- One expression, so that it is inlined.
--
-- p_discount, p_tax, p_shipping, p_refunded: as delivered;  p_currency: of the order, in upper case
CREATE OR REPLACE FUNCTION staging._order_amounts(p_discount text, p_tax text, p_shipping text, p_refunded text, p_currency text)
RETURNS staging.order_amounts
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ROW(
    staging._to_number(staging._trimmed(p_discount)), staging._to_number(staging._trimmed(p_tax)),
    staging._to_number(staging._trimmed(p_shipping)), staging._to_number(staging._trimmed(p_refunded)),
    staging.minor_units(p_currency),
    coalesce(staging._money_problem('discount', staging._trimmed(p_discount), false), staging._money_problem('tax', staging._trimmed(p_tax), false),
             staging._money_problem('shipping', staging._trimmed(p_shipping), false), staging._money_problem('refunded', staging._trimmed(p_refunded), false))
)::staging.order_amounts;
COMMENT ON FUNCTION staging._order_amounts(text, text, text, text, text) IS 'The amounts of a whole order, as numbers';

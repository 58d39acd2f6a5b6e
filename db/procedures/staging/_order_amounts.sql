-- The amounts of a whole order, as numbers; what is wrong with one of them stands in its problem, and then it is NULL.
--
-- p_has_items: whether it has items. In the flat shape discount and tax are the line's
-- p_currency:  of the warehouse, in which an order is that names none
-- PL/pgSQL, so that what is told of an amount is worked out once, and the functions that judge it are inlined.
CREATE OR REPLACE FUNCTION staging._order_amounts(p_told staging.order_money, p_has_items boolean, p_currency text) RETURNS staging.order_amounts
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_order_amounts$
DECLARE
    v_discount text := CASE WHEN p_has_items THEN staging._trimmed(p_told.discount) END;
    v_tax      text := CASE WHEN p_has_items THEN staging._trimmed(p_told.tax) END;
    v_shipping text := staging._trimmed(p_told.shipping);
    v_refunded text := staging._trimmed(p_told.refunded);
    v_currency text := coalesce(p_told.currency, p_currency);
BEGIN
    RETURN ROW(staging._to_number(v_discount), staging._to_number(v_tax), staging._to_number(v_shipping), staging._to_number(v_refunded),
               staging._minor_units(v_currency),
               coalesce(staging._money_problem('discount', v_discount, false), staging._money_problem('tax', v_tax, false),
                        staging._money_problem('shipping', v_shipping, false), staging._money_problem('refunded', v_refunded, false)))::staging.order_amounts;
END
$_order_amounts$;
COMMENT ON FUNCTION staging._order_amounts(staging.order_money, boolean, text) IS 'The amounts of a whole order, as numbers';

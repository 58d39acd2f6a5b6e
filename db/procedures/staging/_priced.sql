-- What a line is worth that says more of money than quantity and price, in the warehouse's currency. Amounts that are no numbers are
-- NULL: the line is rejected.
--
-- p_quantity, p_price: as delivered, trimmed
-- p_currency:          of the warehouse: amounts in another one are converted, each by itself, and rounded to its smallest part
CREATE OR REPLACE FUNCTION staging._priced(p_quantity text, p_price text, p_money staging.line_money, p_currency text)
RETURNS staging.line_price
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_priced$
DECLARE
    v_quantity numeric := staging._to_number(p_quantity);
    v_price    numeric := staging._to_number(p_price);
    v_total    numeric := staging._to_number(p_money.line_total);
    v_discount numeric := staging._sum(staging._to_number(p_money.discount), p_money.discount_share);
    v_tax      numeric := staging._sum(staging._to_number(p_money.tax), p_money.tax_share);
    v_cost     numeric := coalesce(v_total, v_quantity * v_price);
    v_revenue  numeric := v_cost - coalesce(v_discount, 0);
    v_result   staging.line_price;
BEGIN
    IF v_total IS NOT NULL THEN
        -- To six places, or as many as the source has.
        v_price := round(v_total * coalesce(p_money.rate, 1) * 1.000000 / nullif(v_quantity, 0), greatest(scale(v_total), 6));
    ELSIF p_money.rate IS NOT NULL THEN
        v_price := round(v_price * p_money.rate, 6);
    END IF;
    v_result.unit_price := trim_scale(v_price);
    v_result.revenue := trim_scale(staging._converted(v_revenue, p_money.rate, p_currency));
    v_result.discount := trim_scale(staging._converted(v_discount, p_money.rate, p_currency));
    v_result.tax := trim_scale(staging._converted(v_tax, p_money.rate, p_currency));
    v_result.shipping := trim_scale(staging._converted(p_money.shipping, p_money.rate, p_currency));
    v_result.refunded := trim_scale(staging._converted(p_money.refunded, p_money.rate, p_currency));
    v_result.revenue_in_currency := trim_scale(v_revenue);
    -- A share is rounded: it may be above by its smallest part.
    v_result.is_discount_above := v_discount - CASE WHEN p_money.discount_share IS NULL THEN 0 ELSE 10.0 ^ -p_money.digits END > abs(v_cost);
    RETURN v_result;
END
$_priced$;
COMMENT ON FUNCTION staging._priced(text, text, staging.line_money, text) IS 'What a line is worth that says more of money than quantity and price';

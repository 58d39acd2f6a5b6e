-- What a line is worth that says more of money than quantity and price, in the warehouse's currency. Amounts that are no numbers are
-- NULL: the line is rejected.
--
-- An amount in another currency is its rate times as much, to the last digit: rounded line by line, the shares of an order's shipping
-- would no longer sum to it, and a line of a few kuruş would be worth nothing.
--
-- p_quantity, p_price: as delivered, trimmed
CREATE OR REPLACE FUNCTION staging._priced(p_quantity text, p_price text, p_money staging.line_money)
RETURNS staging.line_price
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_priced$
DECLARE
    v_rate     numeric := coalesce(p_money.rate, 1);
    v_quantity numeric := staging._to_number(p_quantity);
    v_price    numeric := staging._to_number(p_price);
    v_total    numeric := staging._to_number(p_money.line_total);
    v_own      numeric := staging._to_number(p_money.discount);
    v_discount numeric := staging._sum(v_own, p_money.discount_share);
    v_own_tax  numeric := staging._to_number(p_money.tax);
    v_tax      numeric := staging._sum(v_own_tax, p_money.tax_share);
    v_cost     numeric := coalesce(v_total, v_quantity * v_price);
    v_revenue  numeric := v_cost - coalesce(v_discount, 0);
    v_result   staging.line_price;
BEGIN
    IF v_total IS NOT NULL THEN
        -- To six places, or as many as the source has.
        v_price := round(v_total * v_rate * 1.000000 / nullif(v_quantity, 0), greatest(scale(v_total), 6));
    ELSIF p_money.rate IS NOT NULL THEN
        v_price := round(v_price * v_rate, 6);
    END IF;
    v_result.unit_price := trim_scale(v_price);
    v_result.revenue := trim_scale(v_revenue * v_rate);
    v_result.discount := trim_scale(v_discount * v_rate);
    v_result.tax := trim_scale(v_tax * v_rate);
    v_result.shipping := trim_scale(p_money.shipping * v_rate);
    v_result.refunded := trim_scale(p_money.refunded * v_rate);
    v_result.revenue_in_currency := trim_scale(v_revenue);
    -- A share of whole cents may be above what is left of a line by a part of one, if that is no whole number of cents.
    v_result.is_discount_above := abs(v_discount) > abs(v_cost)
        AND (p_money.discount_share IS NULL OR min_scale(v_cost - coalesce(v_own, 0)) <= p_money.digits
             OR v_discount - 10.0 ^ -p_money.digits >= abs(v_cost));
    RETURN v_result;
END
$_priced$;
COMMENT ON FUNCTION staging._priced(text, text, staging.line_money) IS 'What a line is worth that says more of money than quantity and price';

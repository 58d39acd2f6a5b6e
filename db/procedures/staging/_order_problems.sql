-- Everything that is wrong with an order line; NULL if nothing is. If a required field is missing, the value of the problem
-- is the names that the record has instead.
--
-- PL/pgSQL, which keeps its expressions from call to call: as a query it was prepared anew for each line, and refused orders took twice the CPU.
-- What the lines of an order share was worked out once per order (see staging.order_line): an order may have many bad items,
-- and the cost of each must not grow with the length of the order.
CREATE OR REPLACE FUNCTION staging._order_problems(p_line staging.order_line, p_from timestamptz, p_to timestamptz) RETURNS staging.problem[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_order_problems$
DECLARE
    v_quantity numeric := staging._to_number(p_line.quantity);
    -- What is taken off a return is less than nothing, too.
    v_is_return boolean := p_line.takes_negative
                           AND coalesce(coalesce(staging._to_number((p_line.money).line_total), v_quantity * staging._to_number(p_line.price)) < 0, false);
    v_price text := CASE WHEN (p_line.money).line_total IS NULL THEN p_line.price END;
BEGIN
    RETURN CASE
        WHEN NOT p_line.is_readable AND json_typeof(p_line.raw_json) <> 'object'
        THEN ARRAY[staging._problem(true, 'the record is not a JSON object', p_line.raw_json::text)]
        WHEN NOT p_line.is_readable
        THEN ARRAY[staging._problem(true, 'the record holds \u0000 or half a surrogate pair, which no text can hold', NULL)]
        ELSE nullif(array_remove(ARRAY[
            staging._problem(p_line.order_id IS NULL, 'order_id is missing', p_line.order_has),
            staging._problem(p_line.null_markers[1] IS NOT NULL, 'order_id is missing: its value is a null marker', p_line.order_id),
            staging._problem(octet_length(p_line.order_id) > 512, 'order_id is longer than 512 bytes', p_line.order_id),
            staging._problem('order_id' = ANY (p_line.nested), 'order_id is not a plain value', p_line.order_id),
            staging._problem(octet_length(p_line.user_id) > 512, 'user_id is longer than 512 bytes', p_line.user_id),
            staging._problem('user_id' = ANY (p_line.nested), 'user_id is not a plain value', p_line.user_id),
            staging._problem(p_line.items IS NOT NULL AND p_line.item_number IS NULL, 'items is not a list with at least one item', p_line.items::text),
            staging._problem(p_line.item_number > 999999, 'an order holds at most 999,999 items', p_line.item_number::text),
            staging._problem(json_typeof(p_line.item) <> 'object', 'the item is not a JSON object', p_line.item::text)
        ] || CASE WHEN coalesce(json_typeof(p_line.item) = 'object', p_line.items IS NULL) THEN ARRAY[
            staging._problem(p_line.product_id IS NULL, 'product_id is missing', p_line.line_has),
            staging._problem(p_line.null_markers[2] IS NOT NULL, 'product_id is missing: its value is a null marker', p_line.product_id),
            staging._problem(octet_length(p_line.product_id) > 512, 'product_id is longer than 512 bytes', p_line.product_id),
            staging._problem(CASE WHEN p_line.item IS NULL THEN 'product_id' = ANY (p_line.nested) ELSE staging._is_nested(p_line.product_id, p_line.item -> 'product_id') END,
                             'product_id is not a plain value', p_line.product_id),
            staging._problem(p_line.quantity IS NULL, 'quantity is missing', p_line.line_has),
            staging._problem(p_line.quantity IS NOT NULL
                             AND NOT coalesce(v_quantity > 0 OR p_line.takes_negative AND v_quantity < 0, false),
                             CASE WHEN p_line.takes_negative THEN 'quantity is not a number other than 0' ELSE 'quantity is not a number above 0' END, p_line.quantity),
            staging._problem(abs(v_quantity) > 2147483647, 'quantity is above 2,147,483,647', p_line.quantity),
            staging._problem(p_line.price IS NULL AND (p_line.money).line_total IS NULL, 'price is missing', p_line.line_has),
            staging._money_problem('price', v_price, p_line.takes_negative),
            staging._money_problem('line_total', (p_line.money).line_total, p_line.takes_negative),
            staging._money_problem('discount', (p_line.money).discount, v_is_return),
            staging._money_problem('tax', (p_line.money).tax, p_line.takes_negative),
            staging._problem(p_line.is_discount_above, 'the discounts are more than the line costs', (p_line.money).discount)
        ] END || ARRAY[
            staging._problem(p_line.order_time IS NULL, 'timestamp is missing', p_line.order_has),
            staging._problem(p_line.order_time IS NOT NULL AND p_line.order_ts IS NULL,
                             'timestamp ' || staging._no_time(p_line.order_time), p_line.order_time),
            staging._problem(p_line.order_ts >= p_to,
                             'timestamp is after the day of the delivery', p_line.order_time),
            staging._problem(p_line.order_ts < p_from,
                             'timestamp is older than oldest_order_days', p_line.order_time),
            staging._problem(p_line.source_status IS NULL, 'status is missing', p_line.order_has),
            staging._problem(p_line.source_status IS NOT NULL AND p_line.status IS NULL,
                             'status is not in staging.codes, or its code is not in warehouse.order_statuses', p_line.source_status),
            (p_line.money).problem,
            staging._problem((p_line.money).currency !~ '^[A-Z0-9_-]{1,20}$', 'currency is not the code of one', (p_line.money).currency),
            staging._problem((p_line.money).rate = 0, 'currency has no rate in warehouse.exchange_rates for the day of the order', (p_line.money).currency),
            -- What only describes the customer is left empty, unless staging.fields says that it is to be rejected.
            staging._problem('city' = ANY (p_line.nested) AND NOT coalesce('city' = ANY (p_line.emptied), false), 'city is not a plain value', p_line.city),
            staging._problem(p_line.signup_date IS NOT NULL AND p_line.signup_day IS NULL AND NOT coalesce('signup_date' = ANY (p_line.emptied), false),
                             'signup_date is not a date', p_line.signup_date),
            staging._problem('marketing_source' = ANY (p_line.nested) AND NOT coalesce('marketing_source' = ANY (p_line.emptied), false),
                             'marketing_source is not a plain value', p_line.marketing_source)
        ], NULL), '{}')
    END;
END
$_order_problems$;
COMMENT ON FUNCTION staging._order_problems(staging.order_line, timestamptz, timestamptz)
    IS 'Everything that is wrong with an order line; NULL if nothing is';

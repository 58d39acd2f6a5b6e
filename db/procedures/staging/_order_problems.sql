-- Everything that is wrong with an order line; NULL if nothing is. The one authority on what is rejected:
-- clean_orders calls it for each line that is not of the usual shape.
--
-- p_order, p_item: the order, and its item (NULL in the flat shape); the texts are trimmed values of both
-- p_is_readable:   the order is an object, and every text in it can be stored. Found out once per order: an order may
--                  have many bad items, and nothing here may cost each of them the length of the whole.
-- p_nested:        the order's fields (or its user's) that hold an object or array; found out once per order, too
-- p_status: canonical status, NULL if it is not mapped
CREATE OR REPLACE FUNCTION staging._order_problems(
    p_order json, p_is_readable boolean, p_nested text[], p_item json, p_user json, p_items json, p_line_number bigint,
    p_order_id text, p_user_id text, p_product_id text, p_quantity text, p_price text, p_timestamp text,
    p_source_status text, p_status text, p_city text, p_signup_date text, p_marketing_source text,
    p_oldest date, p_load_date date
) RETURNS staging.problem[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC'
SET plan_cache_mode = force_generic_plan  -- planned once, not once per row
AS $_order_problems$
BEGIN
    IF NOT p_is_readable AND json_typeof(p_order) <> 'object' THEN
        RETURN ARRAY[('the record is not a JSON object', left(p_order::text, 1000))::staging.problem];
    ELSIF NOT p_is_readable THEN
        RETURN ARRAY[('the record holds \u0000 or half a surrogate pair, which no text can hold', NULL)::staging.problem];
    END IF;

    RETURN (
    SELECT array_agg(ROW(p.reason, left(p.value, 1000))::staging.problem ORDER BY p.place)
    FROM (VALUES
        (11, p_order_id IS NULL, 'order_id is missing', NULL),
        (12, octet_length(p_order_id) > 512, 'order_id is longer than 512 bytes', p_order_id),
        (13, 'order_id' = ANY (p_nested), 'order_id is not a plain value', p_order_id),
        (14, octet_length(p_user_id) > 512, 'user_id is longer than 512 bytes', p_user_id),
        (15, 'user_id' = ANY (p_nested), 'user_id is not a plain value', p_user_id),
        (16, p_items IS NOT NULL AND p_line_number IS NULL, 'items is not a list with at least one item',
             CASE WHEN p_line_number IS NULL THEN p_items::text END),
        (17, p_line_number > 999999, 'an order holds at most 999,999 items', p_line_number::text),
        (18, p_item IS NOT NULL AND json_typeof(p_item) <> 'object', 'the item is not a JSON object', p_item::text),
        (19, coalesce(json_typeof(p_item) = 'object', p_items IS NULL) AND p_product_id IS NULL, 'product_id is missing', NULL),
        (20, coalesce(json_typeof(p_item) = 'object', p_items IS NULL) AND octet_length(p_product_id) > 512, 'product_id is longer than 512 bytes', p_product_id),
        (21, coalesce(json_typeof(p_item) = 'object', p_items IS NULL) 
             AND CASE WHEN p_item IS NULL THEN 'product_id' = ANY (p_nested) ELSE staging._is_nested(p_product_id, p_item -> 'product_id') END,
             'product_id is not a plain value', p_product_id),
        (22, coalesce(json_typeof(p_item) = 'object', p_items IS NULL) AND p_quantity IS NULL, 'quantity is missing', NULL),
        (23, coalesce(json_typeof(p_item) = 'object', p_items IS NULL) AND p_quantity IS NOT NULL
             AND NOT coalesce(staging._to_number(p_quantity) > 0
                              AND staging._to_number(p_quantity) = trunc(staging._to_number(p_quantity)), false),
             'quantity is not a whole number above 0', p_quantity),
        (24, coalesce(json_typeof(p_item) = 'object', p_items IS NULL) AND staging._to_number(p_quantity) > 2147483647, 'quantity is above 2,147,483,647', p_quantity),
        (25, coalesce(json_typeof(p_item) = 'object', p_items IS NULL) AND p_price IS NULL, 'price is missing', NULL),
        (26, coalesce(json_typeof(p_item) = 'object', p_items IS NULL) AND p_price IS NOT NULL AND NOT coalesce(staging._to_number(p_price) >= 0, false),
             'price is not a number of at least 0', p_price),
        (27, coalesce(json_typeof(p_item) = 'object', p_items IS NULL) AND staging._to_number(p_price) >= 1e15, 'price is not below 1e15', p_price),
        (28, p_timestamp IS NULL, 'timestamp is missing', NULL),
        (29, p_timestamp IS NOT NULL AND staging._to_timestamptz(p_timestamp) IS NULL,
             'timestamp is not an ISO 8601 time', p_timestamp),
        (30, (staging._to_timestamptz(p_timestamp) AT TIME ZONE 'UTC')::date > p_load_date,
             'timestamp is after the day of the delivery', p_timestamp),
        (31, (staging._to_timestamptz(p_timestamp) AT TIME ZONE 'UTC')::date < p_oldest,
             'timestamp is older than oldest_order_days', p_timestamp),
        (32, p_source_status IS NULL, 'status is missing', NULL),
        (33, p_source_status IS NOT NULL AND p_status IS NULL, 'status is not in staging.codes, or not what warehouse.order_statuses calls one', p_source_status),
        (34, json_typeof(p_user) <> 'object', 'user is not a JSON object',
             CASE WHEN json_typeof(p_user) <> 'object' THEN p_user::text END),
        (35, 'city' = ANY (p_nested), 'city is not a plain value', p_city),
        (36, p_signup_date IS NOT NULL AND staging._to_timestamptz(p_signup_date) IS NULL,
             'signup_date is not a date', p_signup_date),
        (37, 'marketing_source' = ANY (p_nested),
             'marketing_source is not a plain value', p_marketing_source)
    ) AS p (place, is_wrong, reason, value)
    WHERE p.is_wrong);
END
$_order_problems$;
COMMENT ON FUNCTION staging._order_problems(json, boolean, text[], json, json, json, bigint, text, text, text, text, text, text, text, text, text, text, text, date, date)
    IS 'Everything that is wrong with an order line; NULL if nothing is';

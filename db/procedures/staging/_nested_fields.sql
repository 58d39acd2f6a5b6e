-- The fields of an order, and of its customer, that hold an object or array where a plain value belongs. Called only if one of
-- them begins like that.
CREATE OR REPLACE FUNCTION staging._nested_fields(
    p_order_id text, p_user_id text, p_product_id text, p_city text, p_marketing_source text, p_order json, p_customer json
) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_remove(ARRAY[
    CASE WHEN staging._is_nested(p_order_id, p_order -> 'order_id') THEN 'order_id' END,
    CASE WHEN staging._is_nested(p_user_id, p_order -> 'user_id') THEN 'user_id' END,
    CASE WHEN staging._is_nested(p_product_id, p_order -> 'product_id') THEN 'product_id' END,
    CASE WHEN staging._is_nested(p_city, CASE WHEN p_customer ->> 'city' IS NULL THEN p_order ELSE p_customer END -> 'city') THEN 'city' END,
    CASE WHEN staging._is_nested(p_marketing_source, CASE WHEN p_customer ->> 'marketing_source' IS NULL THEN p_order ELSE p_customer END -> 'marketing_source')
         THEN 'marketing_source' END], NULL);
COMMENT ON FUNCTION staging._nested_fields(text, text, text, text, text, json, json)
    IS 'The fields of an order that hold an object or array where a plain value belongs';

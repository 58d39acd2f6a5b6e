-- Everything that is wrong with a product; NULL if nothing is. p_said_id is its id as delivered, p_product_id without null markers.
CREATE OR REPLACE FUNCTION staging._product_problems(
    p_product json, p_said_id text, p_product_id text, p_product_name text, p_category text, p_brand text, p_price text
) RETURNS staging.problem[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN json_typeof(p_product) <> 'object'
    THEN ARRAY[staging._problem(true, 'the record is not a JSON object', p_product::text)]
    WHEN NOT staging._is_storable(p_product::text)
    THEN ARRAY[staging._problem(true, 'the record holds \u0000 or half a surrogate pair, which no text can hold', NULL)]
    ELSE nullif(array_remove(ARRAY[
        staging._problem(p_product_id IS NULL AND p_said_id IS NOT NULL, 'product_id is missing: its value is a null marker', p_said_id),
        staging._problem(p_said_id IS NULL, 'product_id is missing',
                         staging._record_has(p_product, 'products')),
        staging._problem(octet_length(p_product_id) > 512, 'product_id is longer than 512 bytes', p_product_id),
        staging._problem(staging._is_nested(p_product_id, p_product -> 'product_id'), 'product_id is not a plain value', p_product_id),
        staging._problem(staging._is_nested(p_product_name, p_product -> 'product_name'), 'product_name is not a plain value', p_product_name),
        staging._problem(staging._is_nested(p_category, p_product -> 'category'), 'category is not a plain value', p_category),
        staging._problem(staging._is_nested(p_brand, p_product -> 'brand'), 'brand is not a plain value', p_brand),
        staging._problem(p_price IS NOT NULL AND NOT coalesce(staging._to_number(p_price) >= 0, false),
                         'current_price is not a number of at least 0', p_price),
        staging._problem(staging._to_number(p_price) >= 1e15, 'current_price is not below 1e15', p_price)
    ], NULL), '{}')
END;
COMMENT ON FUNCTION staging._product_problems(json, text, text, text, text, text, text)
    IS 'Everything that is wrong with a product; NULL if nothing is';

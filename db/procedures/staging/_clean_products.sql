-- Worker of clean_products: the catalogue delivered for a day, typed. Most days have none.
--
-- Reads:  raw.products_json and raw.rejected_lines of the deliveries in force
-- Writes: staging.products_clean of the day, staging.loads, audit.bad_records
-- Locks:  the step's advisory lock on the day, until the transaction ends
-- Errors: WH007 the raw of the day is gone, WH012 raw does not hold what its deliveries say
-- Safe to repeat: the result is a function of raw; a product that did not change stays as it is.
CREATE OR REPLACE FUNCTION staging._clean_products(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD' SET jit = off
AS $_clean_products$
DECLARE
    v_delivery  staging.delivery := staging._begin_cleaning('products', p_load_date);
    v_lines     bigint;
    v_duplicate bigint;
    v_rejected  bigint;
    v_changed   bigint;
    v_result    audit.step_result;
BEGIN
    CREATE TEMPORARY TABLE product_lines ON COMMIT DROP AS
    SELECT v.raw_products_id, v.load_id, v.record_number, v.report,
           CASE WHEN octet_length(v.product_id) <= 512 THEN v.product_id END COLLATE "C" AS product_id,
           v.product_name, v.category, v.brand, trim_scale(staging._to_number(v.price)) AS current_price,
           staging._product_problems(v.raw_json, v.product_id, v.product_name, v.category, v.brand, v.price) AS problems,
           v.raw_json
    FROM (
        SELECT p.raw_products_id, p.load_id, p.line_number AS record_number, p.raw_json,
               -- Which report of the day it is: by the bytes of the file's name, then by place.
               array_position(v_delivery.load_ids, p.load_id)::bigint << 32 | p.line_number AS report,
               staging._trimmed(r.product_id) AS product_id, staging._trimmed(r.product_name) AS product_name,
               staging._trimmed(r.category) AS category, staging._trimmed(r.brand) AS brand,
               staging._trimmed(r.current_price) AS price
        FROM (
            SELECT j.*, json_typeof(j.raw_json) = 'object' AND staging._is_storable(j.raw_json::text) AS is_readable
            FROM raw.products_json j
            WHERE j.run_date = p_load_date AND j.load_id = ANY (v_delivery.load_ids)
            OFFSET '0'
        ) AS p
        CROSS JOIN LATERAL json_to_record(CASE WHEN p.is_readable THEN p.raw_json ELSE '{}' END)
            AS r (product_id text, product_name text, category text, brand text, current_price text)
        OFFSET '0'
    ) AS v;
    GET DIAGNOSTICS v_lines = ROW_COUNT;
    ANALYZE pg_temp.product_lines;
    PERFORM staging._check_raw_count(v_delivery, v_lines);

    -- The last report of a product wins.
    DELETE FROM pg_temp.product_lines l
    USING (
        SELECT r.product_id, max(r.report) AS last_report
        FROM pg_temp.product_lines r
        WHERE r.product_id IS NOT NULL
        GROUP BY r.product_id
        HAVING count(*) > 1
    ) AS repeated
    WHERE l.product_id = repeated.product_id AND l.report < repeated.last_report;
    GET DIAGNOSTICS v_duplicate = ROW_COUNT;

    CREATE TEMPORARY TABLE bad_rows ON COMMIT DROP AS
    SELECT l.load_id, l.raw_products_id AS raw_id, NULL::integer AS item_number, l.product_id AS record_id,
           l.record_number AS line_number, l.problems, left(l.raw_json::text, 65536) AS raw_data
    FROM pg_temp.product_lines l
    WHERE l.problems IS NOT NULL;
    v_rejected := audit._record_bad_records(v_delivery);

    v_changed := warehouse._publish_day(
        'staging.products_clean', p_load_date,
        format('SELECT l.raw_products_id AS staging_products_id, %L::date AS load_date, l.product_id, l.product_name,
                       l.category, l.brand, l.current_price, l.raw_products_id, now() AS created_at, now() AS updated_at
                FROM pg_temp.product_lines l WHERE l.problems IS NULL', p_load_date),
        ARRAY['product_id'], ARRAY['staging_products_id', 'raw_products_id', 'created_at', 'updated_at']);

    v_result := staging._finish_cleaning(v_delivery, v_lines, v_duplicate, v_rejected, v_changed);
    DROP TABLE pg_temp.product_lines, pg_temp.bad_rows;
    RETURN v_result;
END
$_clean_products$;
COMMENT ON FUNCTION staging._clean_products(date) IS 'Worker of clean_products: the catalogue delivered for a day, typed';

-- Everything that is wrong with a product; NULL if nothing is. The values are trimmed.
CREATE OR REPLACE FUNCTION staging._product_problems(
    p_product json, p_product_id text, p_product_name text, p_category text, p_brand text, p_price text
) RETURNS staging.problem[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan  -- planned once, not once per row
AS $_product_problems$
BEGIN
    IF json_typeof(p_product) <> 'object' THEN
        RETURN ARRAY[('the record is not a JSON object', left(p_product::text, 1000))::staging.problem];
    ELSIF NOT staging._is_storable(p_product::text) THEN
        RETURN ARRAY[('the record holds \u0000 or half a surrogate pair, which no text can hold', NULL)::staging.problem];
    END IF;

    RETURN (
    SELECT array_agg(ROW(p.reason, left(p.value, 1000))::staging.problem ORDER BY p.place)
    FROM (VALUES
        (1, p_product_id IS NULL, 'product_id is missing', NULL),
        (2, octet_length(p_product_id) > 512, 'product_id is longer than 512 bytes', p_product_id),
        (3, staging._is_nested(p_product_id, p_product -> 'product_id'), 'product_id is not a plain value', p_product_id),
        (4, staging._is_nested(p_product_name, p_product -> 'product_name'), 'product_name is not a plain value', p_product_name),
        (5, staging._is_nested(p_category, p_product -> 'category'), 'category is not a plain value', p_category),
        (6, staging._is_nested(p_brand, p_product -> 'brand'), 'brand is not a plain value', p_brand),
        (7, p_price IS NOT NULL AND NOT coalesce(staging._to_number(p_price) >= 0, false),
            'current_price is not a number of at least 0', p_price),
        (8, staging._to_number(p_price) >= 1e15, 'current_price is not below 1e15', p_price)
    ) AS p (place, is_wrong, reason, value)
    WHERE p.is_wrong);
END
$_product_problems$;
COMMENT ON FUNCTION staging._product_problems(json, text, text, text, text, text)
    IS 'Everything that is wrong with a product; NULL if nothing is';

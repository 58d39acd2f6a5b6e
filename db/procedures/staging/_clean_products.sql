-- Worker of clean_products: the catalogue delivered for a day, typed. Most days have none.
--
-- Reads:  raw.products_json and raw.rejected_lines of the deliveries in force
-- Writes: staging.products_clean of the day, staging.loads, audit.bad_records
-- Errors: WH007 the raw of the day is gone, WH012 raw does not hold what its deliveries say
-- Safe to repeat: the result is a function of raw; a product that did not change stays as it is.
CREATE OR REPLACE FUNCTION staging._clean_products(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
AS $_clean_products$
DECLARE
    v_delivery  staging.delivery := staging._begin_cleaning('products', p_load_date);
    v_changed   bigint;
    v_lines     bigint;
    v_duplicate bigint;
    v_rejected  bigint;
BEGIN
    SET LOCAL enable_seqscan TO off;  -- as in _clean_orders
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
    SET LOCAL enable_seqscan TO DEFAULT;
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
    DROP TABLE pg_temp.product_lines, pg_temp.bad_rows;
    RETURN staging._finish_cleaning(v_delivery, v_lines, v_duplicate, v_rejected, v_changed > 0);
END
$_clean_products$;
COMMENT ON FUNCTION staging._clean_products(date) IS 'Worker of clean_products: the catalogue delivered for a day, typed';

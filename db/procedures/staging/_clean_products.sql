-- Worker of clean_products: the catalogue delivered for a day, typed. Most days have none.
--
-- Reads:  raw.products_json and raw.rejected_lines of the deliveries in force
-- Writes: staging.products_clean of the day, staging.loads, audit.bad_records, audit.day_profile, audit.day_codes
-- Errors: WH007 the raw of the day is gone, WH012 raw does not hold what its deliveries say
-- Safe to repeat: the result is a function of raw; a product that did not change stays as it is.
CREATE OR REPLACE FUNCTION staging._clean_products(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
AS $_clean_products$
DECLARE
    v_delivery  staging.delivery := staging._begin_cleaning('products', p_load_date);
    v_beyond    bigint := staging._map_records(v_delivery);
    v_changed   bigint;
    v_lines     bigint;
    v_duplicate bigint;
    v_rejected  bigint;
BEGIN
    SET LOCAL enable_seqscan TO off;  -- as in _clean_orders
    -- report numbers the day's reports: by the file name (raw.name_order), then by place in the file.
    EXECUTE format('CREATE TEMPORARY TABLE product_lines ON COMMIT DROP AS
                    SELECT %s, r.load_id, r.record_number, r.problems, r.raw_json,
                           array_position($2, r.load_id)::bigint << 32 | r.record_number AS report
                    FROM staging._read_products($1, $4, $3, $5) AS r', staging._columns_read('staging.products_clean'))
    USING p_load_date, v_delivery.load_ids, staging._own_fields('products'), staging._own_form_loads(v_delivery), v_delivery.shaped_ids IS NOT NULL;
    GET DIAGNOSTICS v_lines = ROW_COUNT;
    SET LOCAL enable_seqscan TO DEFAULT;
    ANALYZE pg_temp.product_lines;
    PERFORM staging._check_raw_count(v_delivery, v_lines + v_beyond);

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
           l.record_number AS line_number, l.problems, left(l.raw_json::text, 65536) AS raw_data, false AS is_item
    FROM pg_temp.product_lines l
    WHERE l.problems IS NOT NULL;
    v_lines := v_lines + staging._reject_unmapped(v_delivery);
    v_rejected := audit._record_bad_records(v_delivery);
    PERFORM audit._write_profile(v_delivery, jsonb_build_array(
        jsonb_build_array('products', v_lines - v_duplicate - (v_rejected - v_delivery.refused_count)),
        jsonb_build_array('products_delivered', v_lines + v_delivery.refused_count)), NULL);

    v_changed := warehouse._publish_day(
        'staging.products_clean', p_load_date,
        format('SELECT %s FROM pg_temp.product_lines WHERE problems IS NULL', warehouse._column_list('staging.products_clean')),
        ARRAY['product_id'], ARRAY['staging_products_id', 'raw_products_id', 'created_at', 'updated_at']);
    DROP TABLE pg_temp.product_lines, pg_temp.bad_rows;
    RETURN staging._finish_cleaning(v_delivery, v_lines, v_duplicate, NULL, v_rejected, v_changed > 0);
END
$_clean_products$;
COMMENT ON FUNCTION staging._clean_products(date) IS 'Worker of clean_products: the catalogue delivered for a day, typed';

-- Worker of clean_orders: the orders delivered for a day, as typed lines.
--
-- Reads:  raw.orders_json and raw.rejected_lines of the deliveries in force, staging.codes, warehouse.order_statuses,
--         audit.settings
-- Writes: staging.orders_clean of the day, staging.loads, audit.bad_records
-- Locks:  the step's advisory lock on the day, until the transaction ends
-- Errors: WH007 the raw of the day is gone, WH012 raw does not hold what its deliveries say
-- Safe to repeat: the result is a function of raw, codes and settings; a line that did not change stays as it is.
--
-- Each record is parsed once. What is of the usual shape is judged by cheap tests; all else by _order_problems.
CREATE OR REPLACE FUNCTION staging._clean_orders(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD' SET jit = off
AS $_clean_orders$
DECLARE
    v_delivery  staging.delivery := staging._begin_cleaning('orders', p_load_date);
    v_oldest    date := staging.oldest_date(p_load_date);
    v_lines     bigint;
    v_duplicate bigint;
    v_rejected  bigint;
    v_changed   bigint;
    v_result    audit.step_result;
BEGIN
    CREATE TEMPORARY TABLE order_lines ON COMMIT DROP AS
    SELECT t.raw_orders_id, t.load_id, t.record_number, t.report, coalesce(t.line_number, 1)::integer AS line_number,
           CASE WHEN octet_length(t.order_id) <= 512 THEN t.order_id END COLLATE "C" AS order_id,
           t.user_id COLLATE "C" AS user_id, t.product_id COLLATE "C" AS product_id,
           CASE WHEN t.problems IS NULL THEN trim_scale(t.quantity::numeric)::integer END AS quantity,
           CASE WHEN t.problems IS NULL THEN trim_scale(t.price::numeric) END AS unit_price,
           t.order_ts, t.status, t.city,
           CASE WHEN t.problems IS NULL THEN (staging._to_timestamptz(t.signup_date) AT TIME ZONE 'UTC')::date END AS signup_date,
           t.marketing_source, t.problems,
           -- An order of many items is kept by the item: its lines together are no larger than it is.
           CASE WHEN t.problems IS NOT NULL THEN
               left(CASE WHEN t.item IS NULL OR t.record_bytes <= 8192 THEN t.raw_json ELSE t.item END::text, 65536)
           END AS raw_data
    FROM (
        SELECT p.*,
               CASE WHEN coalesce(
                        p.is_readable
                        AND octet_length(p.order_id) <= 512 AND left(p.order_id, 1) NOT IN ('{', '[')
                        AND coalesce(octet_length(p.user_id) <= 512 AND left(p.user_id, 1) NOT IN ('{', '['), true)
                        AND octet_length(p.product_id) <= 512 AND left(p.product_id, 1) NOT IN ('{', '[')
                        AND p.quantity ~ '^[1-9][0-9]{0,8}$'
                        AND p.price ~ '^[0-9]{1,9}([.][0-9]{1,9})?$'
                        AND (p.order_ts AT TIME ZONE 'UTC')::date BETWEEN v_oldest AND p_load_date
                        AND p.status IS NOT NULL
                        AND (p.line_number IS NOT NULL OR p.items IS NULL) AND coalesce(p.line_number, 1) <= 999999
                        AND coalesce(json_typeof(p.item) = 'object', true)
                        AND coalesce(json_typeof(p.customer) = 'object', true)
                        AND coalesce(left(p.city, 1) NOT IN ('{', '['), true)
                        AND coalesce(left(p.marketing_source, 1) NOT IN ('{', '['), true)
                        AND (p.signup_date IS NULL OR staging._to_timestamptz(p.signup_date) IS NOT NULL), false)
               THEN NULL
               ELSE staging._order_problems(
                        p.raw_json, p.is_readable, p.item, p.customer, p.items, p.line_number, p.order_id, p.user_id, p.product_id,
                        p.quantity, p.price, p.order_time, p.source_status, p.status, p.city, p.signup_date,
                        p.marketing_source, v_oldest, p_load_date)
               END AS problems
        FROM (
            SELECT v.*, staging._to_timestamptz(v.order_time) AS order_ts, s.status
            FROM (
                SELECT o.raw_orders_id, o.load_id, o.line_number AS record_number, o.raw_json, o.is_readable, o.record_bytes,
                       -- Which report of the day it is: by the bytes of the file's name, then by place.
                       array_position(v_delivery.load_ids, o.load_id)::bigint << 32 | o.line_number AS report,
                       i.line_number, i.item, r."user" AS customer, r.items,
                       staging._trimmed(r.order_id) AS order_id,
                       staging._trimmed(r.user_id) AS user_id,
                       staging._trimmed(CASE WHEN i.item IS NULL THEN r.product_id ELSE l.product_id END) AS product_id,
                       staging._trimmed(CASE WHEN i.item IS NULL THEN r.quantity ELSE l.quantity END) AS quantity,
                       staging._trimmed(CASE WHEN i.item IS NULL THEN r.price ELSE l.price END) AS price,
                       staging._trimmed(r."timestamp") AS order_time,
                       staging._trimmed(r.status) AS source_status,
                       staging._trimmed(coalesce(u.city, r.city)) AS city,
                       staging._trimmed(coalesce(u.signup_date, r.signup_date)) AS signup_date,
                       staging._trimmed(coalesce(u.marketing_source, r.marketing_source)) AS marketing_source
                FROM (
                    SELECT j.*, octet_length(j.raw_json::text) AS record_bytes,
                           json_typeof(j.raw_json) = 'object'
                           AND (position('\u' IN j.raw_json::text) = 0 OR staging._is_storable(j.raw_json::text)) AS is_readable
                    FROM raw.orders_json j
                    WHERE j.run_date = p_load_date AND j.load_id = ANY (v_delivery.load_ids)
                    -- A fence: what stands above is computed once per row, not once per use. As a bigint it lets both cores work.
            OFFSET '0'
                ) AS o
                CROSS JOIN LATERAL json_to_record(CASE WHEN o.is_readable THEN o.raw_json ELSE '{}' END)
                    AS r (order_id text, user_id text, product_id text, quantity text, price text, "timestamp" text,
                          status text, city text, signup_date text, marketing_source text, "user" json, items json)
                CROSS JOIN LATERAL json_to_record(CASE WHEN json_typeof(r."user") = 'object' THEN r."user" ELSE '{}' END)
                    AS u (city text, signup_date text, marketing_source text)
                LEFT JOIN LATERAL json_array_elements(CASE WHEN json_typeof(r.items) = 'array' THEN r.items ELSE '[]' END)
                    WITH ORDINALITY AS i (item, line_number) ON true
                CROSS JOIN LATERAL json_to_record(CASE WHEN json_typeof(i.item) = 'object' THEN i.item ELSE '{}' END)
                    AS l (product_id text, quantity text, price text)
                OFFSET '0'
            ) AS v
            LEFT JOIN staging.codes c
                   ON c.kind = 'order_status' AND c.source_value = lower(v.source_status COLLATE "C")
            LEFT JOIN warehouse.order_statuses s ON s.status = c.canonical_value
            OFFSET '0'
        ) AS p
        OFFSET '0'
    ) AS t;
    GET DIAGNOSTICS v_lines = ROW_COUNT;
    ANALYZE pg_temp.order_lines;
    PERFORM staging._check_raw_count(v_delivery, (SELECT count(DISTINCT l.raw_orders_id) FROM pg_temp.order_lines l));

    -- The last report of an order wins, whole; every report has a line 1.
    DELETE FROM pg_temp.order_lines l
    USING (
        SELECT r.order_id, max(r.report) AS last_report
        FROM pg_temp.order_lines r
        WHERE r.line_number = 1 AND r.order_id IS NOT NULL
        GROUP BY r.order_id
        HAVING count(*) > 1
    ) AS repeated
    WHERE l.order_id = repeated.order_id AND l.report < repeated.last_report;
    GET DIAGNOSTICS v_duplicate = ROW_COUNT;

    CREATE TEMPORARY TABLE bad_rows ON COMMIT DROP AS
    SELECT l.load_id, l.raw_orders_id AS raw_id, l.line_number AS item_number, l.order_id AS record_id,
           l.record_number AS line_number, l.problems, l.raw_data
    FROM pg_temp.order_lines l
    WHERE l.problems IS NOT NULL;
    v_rejected := audit._record_bad_records(v_delivery);

    v_changed := warehouse._publish_day(
        'staging.orders_clean', p_load_date,
        format('SELECT l.raw_orders_id * 1000000 + l.line_number AS staging_orders_id, %L::date AS load_date, l.order_id,
                       l.line_number, l.user_id, l.product_id, l.quantity, l.unit_price,
                       trim_scale(l.quantity * l.unit_price) AS revenue, l.order_ts, l.status, l.city, l.signup_date,
                       l.marketing_source, l.raw_orders_id, now() AS created_at, now() AS updated_at
                FROM pg_temp.order_lines l WHERE l.problems IS NULL', p_load_date),
        ARRAY['order_id', 'line_number'], ARRAY['staging_orders_id', 'raw_orders_id', 'created_at', 'updated_at']);

    v_result := staging._finish_cleaning(v_delivery, v_lines, v_duplicate, v_rejected, v_changed);
    DROP TABLE pg_temp.order_lines, pg_temp.bad_rows;
    RETURN v_result;
END
$_clean_orders$;
COMMENT ON FUNCTION staging._clean_orders(date) IS 'Worker of clean_orders: the orders delivered for a day, as typed lines';

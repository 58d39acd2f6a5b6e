-- Finds what an erasure has to change, while others go on: it takes no lock that they wait for. Raw is read once from end
-- to end, on both cores. Most rows are ruled out at once: their text has neither the user_id nor a backslash in it.
--
-- Reads:  raw, warehouse.user_loads; for months whose raw retention has dropped, staging and audit.bad_records
-- Writes: pg_temp.erasure_rows (the rows of raw, and their places), erasure_days, erasure_records (of audit.bad_records),
--         erasure_spellings: days that were cleaned by an earlier release may have the user_id with blanks that it did not trim
CREATE OR REPLACE FUNCTION audit._find_person(p_user_id text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
AS $_find_person$
DECLARE
    v_string     text := audit._string_pattern(p_user_id);
    v_no_mention text := audit._no_mention_pattern(p_user_id);
    v_kept_name  text := audit._kept_name_pattern();
    v_line       text := audit._spelled_word_pattern(p_user_id, true);
    v_bytes      bytea := convert_to(p_user_id, 'UTF8');
    v_gone       date[] := ARRAY(SELECT DISTINCT m.run_month FROM raw.dropped_months m ORDER BY 1);
    v_rows       bigint;
    v_days       bigint;
BEGIN
    DROP TABLE pg_temp.erasure_rows;
    TRUNCATE pg_temp.erasure_spellings;
    INSERT INTO pg_temp.erasure_spellings (user_id)
    SELECT p_user_id UNION SELECT u.user_id FROM warehouse.dim_user u WHERE staging._trimmed(u.user_id) = p_user_id;
    -- One statement per table: each may use both cores, which an INSERT may not.
    CREATE TEMPORARY TABLE erasure_rows AS
    SELECT 'raw.orders_json' AS source_table, o.run_date, o.load_id, o.raw_orders_id AS raw_id, o.line_number, o.ctid AS place
    FROM raw.orders_json o
    WHERE audit._may_mention(o.raw_json::text, p_user_id, v_string, v_no_mention, v_kept_name);
    CREATE TEMPORARY TABLE found_rows ON COMMIT DROP AS
    SELECT e.run_date, e.load_id, e.raw_events_id AS raw_id, e.line_number, e.ctid AS place
    FROM raw.events_csv e
    WHERE staging._trimmed(e.user_id) = p_user_id
       OR audit._may_mention(e.extra::text, p_user_id, v_string, v_no_mention, v_kept_name);
    INSERT INTO pg_temp.erasure_rows (source_table, run_date, load_id, raw_id, line_number, place)
    SELECT 'raw.events_csv', f.run_date, f.load_id, f.raw_id, f.line_number, f.place FROM pg_temp.found_rows f
    UNION ALL
    SELECT 'raw.products_json', p.run_date, p.load_id, p.raw_products_id, p.line_number, p.ctid
    FROM raw.products_json p
    WHERE audit._may_mention(p.raw_json::text, p_user_id, v_string, v_no_mention, v_kept_name)
    UNION ALL
    SELECT 'raw.rejected_lines', r.run_date, r.load_id, NULL, r.line_number, r.ctid
    FROM raw.rejected_lines r
    WHERE CASE WHEN position(v_bytes IN r.raw_line) > 0 OR position('\x5c'::bytea IN r.raw_line) > 0
               THEN encode(r.raw_line, 'escape') ~ v_line END
       OR position(p_user_id IN r.reason) > 0;
    DROP TABLE pg_temp.found_rows;
    PERFORM audit._find_in_shaped(p_user_id);
    SELECT count(*), count(DISTINCT r.run_date) INTO v_rows, v_days FROM pg_temp.erasure_rows r;

    INSERT INTO pg_temp.erasure_days (load_date)
    SELECT r.run_date FROM pg_temp.erasure_rows r
    UNION
    SELECT u.load_date FROM warehouse.user_loads u WHERE u.user_id IN (SELECT s.user_id FROM pg_temp.erasure_spellings s);
    IF cardinality(v_gone) > 0 THEN
        -- Days whose raw is gone; they may never have been loaded.
        INSERT INTO pg_temp.erasure_days (load_date)
        SELECT o.load_date FROM staging.orders_clean o
        WHERE o.user_id IN (SELECT s.user_id FROM pg_temp.erasure_spellings s) AND date_trunc('month', o.load_date::timestamp)::date = ANY (v_gone)
        UNION
        SELECT e.load_date FROM staging.events_clean e
        WHERE e.user_id IN (SELECT s.user_id FROM pg_temp.erasure_spellings s) AND date_trunc('month', e.load_date::timestamp)::date = ANY (v_gone);
        -- Only this is left of rows that retention dropped from raw.
        INSERT INTO pg_temp.erasure_records (bad_record_id)
        SELECT b.bad_record_id
        FROM audit.bad_records b
        WHERE b.load_id <= (SELECT max(m.last_load_id) FROM raw.dropped_months m
                            WHERE m.run_month = date_trunc('month', b.run_date::timestamp)::date)
          AND num_nonnulls(b.failed_value, b.failed_values, b.raw_data) > 0
          AND CASE WHEN position(p_user_id IN concat_ws(' ', b.failed_value, b.failed_values, b.raw_data)) > 0
                     OR position('\' IN concat_ws(' ', b.failed_value, b.failed_values, b.raw_data)) > 0
                   THEN concat_ws(' ', b.failed_value, b.failed_values, b.raw_data) ~ audit._spelled_word_pattern(p_user_id, false)
                        OR b.raw_id IS NULL AND b.raw_data ~ v_line END;
        -- Only a record's first row has its text; the other rows go with it.
        INSERT INTO pg_temp.erasure_records (bad_record_id)
        SELECT o.bad_record_id
        FROM pg_temp.erasure_records e
        JOIN audit.bad_records b ON b.bad_record_id = e.bad_record_id
        JOIN audit.bad_records o ON o.run_date = b.run_date AND o.source_table = b.source_table AND o.raw_id = b.raw_id
        WHERE o.bad_record_id <> b.bad_record_id;
    END IF;
    ANALYZE pg_temp.erasure_rows;
    RAISE NOTICE 'found: % rows of raw that mention the user, of % days', v_rows, v_days;
    RETURN 'days';
END
$_find_person$;
COMMENT ON FUNCTION audit._find_person(text) IS 'Finds what an erasure has to change, while others go on';

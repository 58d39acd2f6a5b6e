-- Rewrites up to p_limit of the rows that were found in a day of raw, and their copies in audit.bad_records. Returns how many
-- rows it looked at.
CREATE OR REPLACE FUNCTION audit._erase_raw(p_user_id text, p_erased audit.erased_users, p_day date, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off SET "DateStyle" = 'ISO, YMD'
AS $_erase_raw$
DECLARE
    v_pattern text := audit._spelled_word_pattern(p_user_id, true);
    v_taken   bigint;
    v_present bigint := 0;
    v_source  record;
    v_rows    bigint;
    v_guests  bigint[] := '{}';
    v_changed bigint := 0;
    v_audit   bigint := 0;
BEGIN
    CREATE TEMPORARY TABLE batch_rows ON COMMIT DROP AS
    SELECT r.source_table, r.load_id, r.raw_id, r.line_number, r.place, r.ctid AS found_at
    FROM pg_temp.erasure_rows r WHERE r.run_date = p_day
    ORDER BY r.source_table, r.place LIMIT p_limit;
    GET DIAGNOSTICS v_taken = ROW_COUNT;
    CREATE TEMPORARY TABLE rewritten_rows (source_table text, load_id bigint, raw_id bigint, line_number integer, is_guest boolean) ON COMMIT DROP;

    PERFORM raw._open_for_erasure(ARRAY[p_erased.digest]);
    FOR v_source IN
        SELECT b.source_table, warehouse._partition_of(b.source_table::regclass, p_day) AS partition,
               array_agg(b.place) AS places, array_agg(b.raw_id) AS ids, array_agg(b.load_id) AS load_ids
        FROM pg_temp.batch_rows b GROUP BY b.source_table ORDER BY b.source_table
    LOOP
        CONTINUE WHEN v_source.partition IS NULL;  -- retention dropped it meanwhile
        -- The place of a row is known; whether the same row is still there has to be checked.
        EXECUTE format('SELECT count(*) FROM %s t WHERE t.ctid = ANY ($1) AND %s', v_source.partition,
                       CASE v_source.source_table WHEN 'raw.orders_json' THEN 't.raw_orders_id = ANY ($2)' WHEN 'raw.events_csv' THEN 't.raw_events_id = ANY ($2)'
                                                  WHEN 'raw.products_json' THEN 't.raw_products_id = ANY ($2)' ELSE 't.load_id = ANY ($3)' END)
        INTO v_rows USING v_source.places, v_source.ids, v_source.load_ids;
        v_present := v_present + v_rows;
        EXECUTE format(CASE v_source.source_table
            WHEN 'raw.orders_json' THEN
                'WITH rewritten AS (
                     UPDATE %1$s t SET raw_json = n.raw_json
                     FROM (SELECT o.ctid AS place, CASE WHEN raw._routine_of_load(o.load_id) IS NULL THEN raw._order_without_user(o.raw_json, $4, $5)
                                                      ELSE raw._shaped_without_user(''orders'', raw._routine_of_load(o.load_id), o.raw_json, $4, $5) END AS raw_json
                           FROM %1$s o WHERE o.ctid = ANY ($1) AND o.raw_orders_id = ANY ($2) OFFSET 0) AS n
                     WHERE t.ctid = n.place AND n.raw_json IS NOT NULL
                     RETURNING t.load_id, t.raw_orders_id, t.raw_json)
                 INSERT INTO pg_temp.rewritten_rows (source_table, load_id, raw_id, is_guest)
                 SELECT ''raw.orders_json'', r.load_id, r.raw_orders_id, position(''"user_id"'' IN r.raw_json::text) = 0 FROM rewritten r'
            WHEN 'raw.products_json' THEN
                'WITH rewritten AS (
                     UPDATE %1$s t SET raw_json = n.raw_json::json
                     FROM (SELECT p.ctid AS place, p.raw_json::text AS old_json, raw._without_mention(p.raw_json::text, $4, $5) AS raw_json
                           FROM %1$s p WHERE p.ctid = ANY ($1) AND p.raw_products_id = ANY ($2) OFFSET 0) AS n
                     WHERE t.ctid = n.place AND n.raw_json <> n.old_json
                     RETURNING t.load_id, t.raw_products_id)
                 INSERT INTO pg_temp.rewritten_rows (source_table, load_id, raw_id) SELECT ''raw.products_json'', r.* FROM rewritten r'
            WHEN 'raw.events_csv' THEN
                'WITH rewritten AS (
                     UPDATE %1$s t SET user_id = CASE WHEN n.is_shaped THEN NULL WHEN n.is_own THEN $5 ELSE t.user_id END, extra = n.extra,
                                       event_id = CASE WHEN NOT n.is_shaped THEN t.event_id END, product_id = CASE WHEN NOT n.is_shaped THEN t.product_id END,
                                       event_type = CASE WHEN NOT n.is_shaped THEN t.event_type END, event_ts = CASE WHEN NOT n.is_shaped THEN t.event_ts END
                     FROM (SELECT e.ctid AS place, coalesce(staging._trimmed(e.user_id) = $4, false) AS is_own, e.extra::text AS old_extra, s.record IS NOT NULL AS is_shaped,
                                  CASE WHEN s.record IS NOT NULL THEN s.record::text
                                       WHEN staging._trimmed(e.user_id) = $4 THEN raw._extra_without_person(e.extra)::text
                                       ELSE raw._without_mention(e.extra::text, $4, $5) END::json AS extra
                           FROM %1$s e CROSS JOIN LATERAL raw._shaped_event_without_user(e.load_id, e.run_date, e.raw_events_id, $4, $5) AS s (record)
                           WHERE e.ctid = ANY ($1) AND e.raw_events_id = ANY ($2) OFFSET 0) AS n
                     WHERE t.ctid = n.place AND (n.is_own OR n.is_shaped OR n.extra::text <> n.old_extra)
                     RETURNING t.load_id, t.raw_events_id)
                 INSERT INTO pg_temp.rewritten_rows (source_table, load_id, raw_id) SELECT ''raw.events_csv'', r.* FROM rewritten r'
            -- A line that raw could not take cannot be read either: if it has the user_id as a word, nothing of it is kept.
            ELSE
                'WITH rewritten AS (
                     UPDATE %1$s t
                     SET raw_line = CASE WHEN encode(t.raw_line, ''escape'') ~ $6 THEN ''(erased)'' ELSE t.raw_line END,
                         reason = audit._without_word(t.reason, $4, $5)
                     WHERE t.ctid = ANY ($1) AND t.load_id = ANY ($3)
                       AND (encode(t.raw_line, ''escape'') ~ $6 OR t.reason <> audit._without_word(t.reason, $4, $5))
                     RETURNING t.load_id, t.line_number)
                 INSERT INTO pg_temp.rewritten_rows (source_table, load_id, line_number) SELECT ''raw.rejected_lines'', r.* FROM rewritten r'
            END, v_source.partition)
        USING v_source.places, v_source.ids, v_source.load_ids, p_user_id, p_erased.pseudonym, v_pattern;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_changed := v_changed + v_rows;
        -- The planner's statistics keep whole lines too, but no values of JSON.
        IF v_source.source_table = 'raw.rejected_lines' THEN
            PERFORM audit._note_table(v_source.partition);
        END IF;
    END LOOP;
    PERFORM raw._close_for_erasure();

    UPDATE audit.bad_records b
    SET raw_data = NULL, failed_value = NULL, failed_values = NULL,
        failure_reason = CASE WHEN b.raw_id IS NULL THEN audit._without_word(b.failure_reason, p_user_id, p_erased.pseudonym) ELSE b.failure_reason END
    WHERE b.run_date = p_day
      AND ((b.source_table, b.raw_id) IN (SELECT r.source_table, r.raw_id FROM pg_temp.rewritten_rows r)
           OR b.raw_id IS NULL AND (b.load_id, b.line_number) IN (SELECT r.load_id, r.line_number FROM pg_temp.rewritten_rows r));
    GET DIAGNOSTICS v_audit = ROW_COUNT;
    IF v_audit > 0 THEN
        PERFORM audit._note_table('audit.bad_records');
    END IF;

    -- Orders that staging holds as a guest's may still describe the person.
    v_guests := ARRAY(SELECT r.raw_id FROM pg_temp.rewritten_rows r WHERE r.is_guest);
    v_rows := 0;
    IF cardinality(v_guests) > 0 AND warehouse._partition_of('staging.orders_clean', p_day) IS NOT NULL THEN
        EXECUTE format('UPDATE %s t SET user_id = NULL %s WHERE t.load_date = $1 AND t.raw_orders_id = ANY ($2) AND t.user_id IS NULL',
                       warehouse._partition_of('staging.orders_clean', p_day), audit._without_personal('staging.orders_clean'))
        USING p_day, v_guests;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        PERFORM audit._note_table(warehouse._partition_of('staging.orders_clean', p_day));
    END IF;
    DELETE FROM audit.step_inputs i WHERE i.run_date = p_day;  -- every step of the day works again
    UPDATE audit.erasures e SET raw_rows = e.raw_rows + v_changed, audit_rows = e.audit_rows + v_audit, staging_rows = e.staging_rows + v_rows
    WHERE e.erasure_id = p_erased.erasure_id;
    IF v_present < v_taken THEN
        UPDATE pg_temp.erasure SET find_again = true;
    END IF;
    DELETE FROM pg_temp.erasure_rows r WHERE r.ctid = ANY (ARRAY(SELECT b.found_at FROM pg_temp.batch_rows b));
    DROP TABLE pg_temp.batch_rows, pg_temp.rewritten_rows;
    RETURN v_taken;
END
$_erase_raw$;
COMMENT ON FUNCTION audit._erase_raw(text, audit.erased_users, date, bigint) IS 'Rewrites rows that were found in a day of raw, and their copies in audit.bad_records';

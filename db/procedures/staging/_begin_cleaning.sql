-- What the three cleaning workers have in common: which deliveries they read, and what they record.

-- Finds the deliveries in force of a day.
-- Errors: WH007 the raw of the day is gone
CREATE OR REPLACE FUNCTION staging._begin_cleaning(p_source text, p_load_date date) RETURNS staging.delivery
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_begin_cleaning$
DECLARE
    v_delivery staging.delivery;
    v_gone     text;
BEGIN
    SELECT p_source, p_load_date,
           coalesce(array_agg(d.load_id) FILTER (WHERE d.refused_reason IS NULL), '{}'),
           coalesce(sum(d.row_count), 0),
           coalesce(sum(d.rejected_count), 0) + count(*) FILTER (WHERE d.refused_reason IS NOT NULL),
           count(*), string_agg(d.file_name, ', ') FILTER (WHERE d.is_gone)
    INTO v_delivery.source, v_delivery.load_date, v_delivery.load_ids, v_delivery.row_count, v_delivery.refused_count,
         v_delivery.file_count, v_gone
    FROM (SELECT f.* FROM raw._deliveries_in_force(p_source, p_load_date) f ORDER BY f.file_name COLLATE "C") AS d;

    IF v_gone IS NOT NULL THEN
        RAISE EXCEPTION 'the raw % of % are gone', p_source, p_load_date USING ERRCODE = 'WH007',
            DETAIL = format('Dropped by the setting raw_keep_days: %s. Staging and facts stay as they are.', v_gone),
            HINT = format('To run the day again, deliver these files again: warehouse extract %s %s', p_source, p_load_date);
    END IF;
    RETURN v_delivery;
END
$_begin_cleaning$;
COMMENT ON FUNCTION staging._begin_cleaning(text, date) IS 'Finds the deliveries in force of a day';

-- Errors: WH012 raw does not hold as many rows as its deliveries say
CREATE OR REPLACE FUNCTION staging._check_raw_count(p_delivery staging.delivery, p_row_count bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_check_raw_count$
BEGIN
    IF p_row_count <> p_delivery.row_count THEN
        RAISE EXCEPTION 'raw holds % rows of the % of %, its deliveries say %',
            p_row_count, p_delivery.source, p_delivery.load_date, p_delivery.row_count USING ERRCODE = 'WH012',
            DETAIL = format('Deliveries: %s.', array_to_string(p_delivery.load_ids, ', ')),
            HINT = 'Somebody wrote to raw without glue. Compare raw.file_loads with the rows by load_id.';
    END IF;
END
$_check_raw_count$;
COMMENT ON FUNCTION staging._check_raw_count(staging.delivery, bigint) IS 'Refuses a raw that does not hold what its deliveries say';

-- Takes out of a day's rows what is not clean: all but the last report of each order or event, with all its rows, and
-- the rows that were refused: those without a load_date. Which report is the last says the name of the file, by its
-- bytes, then the place in it. Repeats are few: they are found by sorting hashes, which costs a third of sorting or
-- hashing the keys; what only has equal hashes is told apart afterwards.
--
-- p_rows:      the table of _collect_rows. A record that lacks its key is nobody's repeat.
-- p_duplicate: rows of earlier reports;  p_refused: raw ids of the records that the refused rows are of
CREATE OR REPLACE FUNCTION staging._sort_out(p_delivery staging.delivery, p_rows regclass, OUT p_duplicate bigint, OUT p_refused bigint[])
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_hashagg = off SET work_mem = '256MB'
AS $_sort_out$
DECLARE
    v_is_orders boolean := p_delivery.source = 'orders';
    v_raw       regclass := CASE WHEN v_is_orders THEN 'raw.orders_json' ELSE 'raw.events_csv' END;
    v_raw_id    text := CASE WHEN v_is_orders THEN 'raw_orders_id' ELSE 'raw_events_id' END;
    v_key       text := CASE WHEN v_is_orders THEN 'r.order_id' ELSE 'r.event_id, r.event_ts' END;
    v_hash      text := CASE WHEN v_is_orders THEN 'hashtextextended(r.order_id, 0)'
                             ELSE 'hashtextextended(r.event_id, 0) # timestamp_hash_extended(r.event_ts AT TIME ZONE ''UTC'', 0)' END;
    v_place     text := format('r.%I DESC', v_raw_id);  -- within a file
    v_first_ids bigint[];
    v_files     integer[];
    v_taken_out bigint;
    v_left      bigint;
BEGIN
    -- Until its index is made: rows of it are taken away below, which a publication of all tables would not let pass.
    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', p_rows);
    EXECUTE format('CREATE TEMPORARY TABLE repeated_hashes AS
                    SELECT %1$s AS hash FROM %2$s AS r WHERE num_nulls(%3$s) = 0 %4$s GROUP BY %1$s HAVING count(*) > 1',
                   v_hash, p_rows, v_key, CASE WHEN v_is_orders THEN 'AND r.line_number = 1' END);
    ANALYZE pg_temp.repeated_hashes;
    -- The files of a day came into raw one after the other: where each begins says which one a record is of.
    IF cardinality(p_delivery.load_ids) > 1 THEN
        SET LOCAL enable_seqscan TO off;  -- as in _clean_orders
        EXECUTE format('SELECT array_agg(f.first_id ORDER BY f.first_id), array_agg(array_position($1, f.load_id) ORDER BY f.first_id)
                        FROM (SELECT d.load_id, min(d.%I) AS first_id FROM %s AS d
                              WHERE d.run_date = $2 AND d.load_id = ANY ($1) GROUP BY d.load_id) AS f', v_raw_id, v_raw)
        INTO v_first_ids, v_files USING p_delivery.load_ids, p_delivery.load_date;
        SET LOCAL enable_seqscan TO DEFAULT;
        v_place := format('($2)[width_bucket(r.%I, $1)] DESC, %s', v_raw_id, v_place);
    END IF;
    EXECUTE format($query$
        CREATE TEMPORARY TABLE sorted_out AS
        SELECT k.row, k.raw_id, k.is_repeat
        FROM (
            SELECT r.ctid AS row, r.%1$I AS raw_id, r.load_date IS NULL AS is_refused,
                   num_nulls(%2$s) = 0 AND first_value(r.%1$I) OVER (PARTITION BY %2$s ORDER BY %3$s) <> r.%1$I AS is_repeat
            FROM %4$s AS r
            WHERE r.load_date IS NULL OR %5$s IN (SELECT h.hash FROM pg_temp.repeated_hashes h)
        ) AS k WHERE k.is_repeat OR k.is_refused
        $query$, v_raw_id, v_key, v_place, p_rows, v_hash)
    USING v_first_ids, v_files;
    ANALYZE pg_temp.sorted_out;

    EXECUTE format('DELETE FROM %s AS r USING pg_temp.sorted_out s WHERE r.ctid = s.row', p_rows);
    GET DIAGNOSTICS v_taken_out = ROW_COUNT;
    EXECUTE format('SELECT count(*) FROM %s', p_rows) INTO v_left;
    -- The day's partition does not keep the room of the lines that it does not have.
    IF v_taken_out > v_left THEN
        EXECUTE format('CREATE TEMPORARY TABLE left_rows ON COMMIT DROP AS TABLE %s', p_rows);
        EXECUTE format('TRUNCATE %s', p_rows);
        EXECUTE format('INSERT INTO %s TABLE pg_temp.left_rows', p_rows);
        DROP TABLE pg_temp.left_rows;
    END IF;
    SELECT count(*) FILTER (WHERE s.is_repeat), coalesce(array_agg(DISTINCT s.raw_id) FILTER (WHERE NOT s.is_repeat), '{}')
    INTO p_duplicate, p_refused FROM pg_temp.sorted_out s;
    DROP TABLE pg_temp.repeated_hashes, pg_temp.sorted_out;
END
$_sort_out$;
COMMENT ON FUNCTION staging._sort_out(staging.delivery, regclass) IS 'Takes out of a day''s rows what is not clean: repeats and refused rows';

-- Records what became of a day's lines. The staging gets a new version if a row or a count of it changed: the pass of
-- the gate holds for one version.
CREATE OR REPLACE FUNCTION staging._finish_cleaning(
    p_delivery staging.delivery, p_lines bigint, p_duplicate bigint, p_rejected bigint, p_has_changed boolean
) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_finish_cleaning$
DECLARE
    v_delivered bigint := p_lines + p_delivery.refused_count;
    v_clean     bigint := v_delivered - p_duplicate - p_rejected;
    v_old       staging.loads;
    v_is_same   boolean;
    v_result    audit.step_result;
BEGIN
    SELECT l.* INTO v_old FROM staging.loads l WHERE l.source = p_delivery.source AND l.load_date = p_delivery.load_date;
    v_is_same := NOT p_has_changed AND (v_old.raw_count, v_old.delivered_count, v_old.clean_count, v_old.duplicate_count, v_old.rejected_count)
                                       IS NOT DISTINCT FROM (p_delivery.row_count, v_delivered, v_clean, p_duplicate, p_rejected);

    -- A day without a catalogue is not a day with an empty one.
    IF p_delivery.source <> 'products' OR p_delivery.file_count > 0 THEN
        INSERT INTO staging.loads AS l (load_date, source, staging_version, raw_count, delivered_count, clean_count,
                                        duplicate_count, rejected_count, load_ids)
        VALUES (p_delivery.load_date, p_delivery.source,
                CASE WHEN v_is_same THEN v_old.staging_version ELSE nextval('staging.staging_versions') END,
                p_delivery.row_count, v_delivered, v_clean, p_duplicate, p_rejected, p_delivery.load_ids)
        ON CONFLICT ON CONSTRAINT loads_pkey DO UPDATE
        SET staging_version = excluded.staging_version, raw_count = excluded.raw_count,
            delivered_count = excluded.delivered_count, clean_count = excluded.clean_count,
            duplicate_count = excluded.duplicate_count, rejected_count = excluded.rejected_count,
            load_ids = excluded.load_ids, updated_at = excluded.updated_at
        WHERE (l.staging_version, l.load_ids) IS DISTINCT FROM (excluded.staging_version, excluded.load_ids);
    END IF;

    v_result.rows_in := v_delivered;
    v_result.rows_out := v_clean;
    v_result.rows_duplicate := p_duplicate;
    v_result.rows_rejected := p_rejected;
    RETURN v_result;
END
$_finish_cleaning$;
COMMENT ON FUNCTION staging._finish_cleaning(staging.delivery, bigint, bigint, bigint, boolean) IS 'Records what became of a day''s lines';

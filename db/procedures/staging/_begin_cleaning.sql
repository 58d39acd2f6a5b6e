-- What the three cleaning workers have in common: which deliveries they read, and what they record.

-- Locks a step of a day until the transaction ends, and finds the deliveries in force.
-- Errors: WH007 the raw of the day is gone
CREATE OR REPLACE FUNCTION staging._begin_cleaning(p_source text, p_load_date date) RETURNS staging.delivery
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_begin_cleaning$
DECLARE
    v_delivery staging.delivery;
    v_gone     text;
BEGIN
    PERFORM warehouse._hold_month(p_load_date);
    PERFORM pg_advisory_xact_lock(warehouse._lock_class('clean_' || p_source), p_load_date - date '2000-01-01');

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
            HINT = format('To run the day again, deliver these files again: python -m glue extract %s %s', p_source, p_load_date);
    END IF;
    RETURN v_delivery;
END
$_begin_cleaning$;
COMMENT ON FUNCTION staging._begin_cleaning(text, date) IS 'Locks a cleaning step of a day until the transaction ends, and finds the deliveries in force';

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

-- Records what became of a day's lines. The staging gets a new version if a row or a count of it changed: the pass of
-- the gate holds for one version.
CREATE OR REPLACE FUNCTION staging._finish_cleaning(
    p_delivery staging.delivery, p_lines bigint, p_duplicate bigint, p_rejected bigint, p_changed bigint
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
    v_is_same := p_changed = 0 AND (v_old.raw_count, v_old.delivered_count, v_old.clean_count, v_old.duplicate_count, v_old.rejected_count)
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
COMMENT ON FUNCTION staging._finish_cleaning(staging.delivery, bigint, bigint, bigint, bigint) IS 'Records what became of a day''s lines';

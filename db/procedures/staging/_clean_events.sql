-- Worker of clean_events: the events delivered for a day, typed.
--
-- Reads:  raw.events_csv and raw.rejected_lines of the deliveries in force, staging.codes, audit.settings
-- Writes: staging.events_clean of the day, staging.loads, audit.bad_records, audit.day_profile, audit.day_codes
-- Errors: WH007 the raw of the day is gone, WH012 raw does not hold what its deliveries say
-- Safe to repeat: the result is a function of raw, codes and settings; an event that did not change stays as it is.
--
-- Events are written once: if the day has no partition yet, straight into the table that becomes it. A refused event has no
-- load_date there until it is taken out, with what audit.bad_records is to know of it.
CREATE OR REPLACE FUNCTION staging._clean_events(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
AS $_clean_events$
DECLARE
    v_delivery  staging.delivery := staging._begin_cleaning('events', p_load_date);
    v_beyond    bigint := staging._map_records(v_delivery);
    v_rows      regclass;
    v_lines     bigint;
    v_duplicate bigint;
    v_rejected  bigint;
BEGIN
    -- Use the index: the rest of a month of raw must not be read, whatever the planner expects of so young a table.
    SET LOCAL enable_seqscan TO off;
    SELECT c.p_rows, c.p_lines INTO v_rows, v_lines
    FROM staging._collect_rows('staging.events_clean', 'staging._read_events', v_delivery) AS c;
    SET LOCAL enable_seqscan TO DEFAULT;
    PERFORM staging._check_raw_count(v_delivery, v_lines + v_beyond);

    SELECT t.p_duplicate INTO v_duplicate FROM staging._take_out_repeats(v_delivery, v_rows, v_lines, NULL) AS t;
    v_lines := v_lines + staging._reject_unmapped(v_delivery);
    v_rejected := audit._record_bad_records(v_delivery);
    PERFORM staging._profile_events(v_delivery, v_rows, v_lines, v_rejected);

    DROP TABLE pg_temp.bad_rows;
    RETURN staging._finish_cleaning(v_delivery, v_lines, v_duplicate, NULL, v_rejected, staging._publish_rows(
        'staging.events_clean', p_load_date, v_rows, ARRAY['event_id', 'event_ts'],
        ARRAY['staging_events_id', 'raw_events_id', 'created_at', 'updated_at']));
END
$_clean_events$;
COMMENT ON FUNCTION staging._clean_events(date) IS 'Worker of clean_events: the events delivered for a day, typed';

-- An event of a delivery in another form, as an erasure keeps it in raw.events_csv.extra; NULL if the delivery is in our own form, or does not
-- mention the person.
CREATE OR REPLACE FUNCTION raw._shaped_event_without_user(p_load_id bigint, p_run_date date, p_raw_id bigint, p_user_id text, p_pseudonym text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $_shaped_event_without_user$
DECLARE
    v_routine text := raw._routine_of_load(p_load_id);
    v_record  json;
    v_kept    json;
BEGIN
    IF v_routine IS NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT r.record FROM (%s AND r.raw_events_id = $3) AS r', staging._records_query('events'))
    INTO v_record USING p_run_date, ARRAY[p_load_id], p_raw_id;
    v_kept := raw._shaped_without_user('events', v_routine, v_record, p_user_id, p_pseudonym);
    -- Columns of ours stay in the record as fields of it: a function finds them there.
    RETURN v_kept;
END
$_shaped_event_without_user$;
COMMENT ON FUNCTION raw._shaped_event_without_user(bigint, date, bigint, text, text) IS 'An event of a delivery in another form, as an erasure keeps it';

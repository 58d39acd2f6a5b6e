-- Records that the extract of a source begins, as a step of the day's run.
--
-- Returns: step_id, for raw.end_extract in the same session
-- Writes:  audit.pipeline_runs, audit.pipeline_steps
-- Locks:   as audit._start_step: the session holds a lock on step_id while it extracts
-- Errors:  WH004 a source that does not exist, no date
-- Safe to repeat: each call is a step of its own, as each attempt is.
CREATE OR REPLACE FUNCTION raw.begin_extract(p_source text, p_run_date date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $begin_extract$
BEGIN
    IF p_source IS NULL OR NOT EXISTS (SELECT FROM raw.sources s WHERE s.source = p_source) OR p_run_date IS NULL THEN
        RAISE EXCEPTION 'an extract needs a source (orders, events, products) and a date' USING ERRCODE = 'WH004',
            DETAIL = format('Got: %L, %L.', p_source, p_run_date),
            HINT = 'warehouse run DATE';
    END IF;
    PERFORM warehouse._refuse_day(p_run_date, 'an extract');
    RETURN (SELECT s.step_id FROM audit._start_step('extract_' || p_source, p_run_date) s);
END
$begin_extract$;
COMMENT ON FUNCTION raw.begin_extract(text, date) IS 'Records that the extract of a source begins, as a step of the day''s run';

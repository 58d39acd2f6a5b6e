-- Writes the fact figures of a load's day, and adjusts those of the days that events moved from or to.
-- p_count: events of the load that are in the facts
CREATE OR REPLACE FUNCTION warehouse._write_event_figures(p_load_date date, p_count bigint) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_write_event_figures$
DECLARE
    v_result audit.step_result;
BEGIN
    INSERT INTO warehouse.daily_metrics AS m (run_date, status, fact_events_count, superseded_events_count)
    SELECT p_load_date, 'running', p_count, count(*) FROM warehouse.events_superseded o WHERE o.load_date = p_load_date
    ON CONFLICT ON CONSTRAINT daily_metrics_pkey DO UPDATE
    SET fact_events_count = excluded.fact_events_count, superseded_events_count = excluded.superseded_events_count,
        updated_at = excluded.updated_at
    WHERE (m.fact_events_count, m.superseded_events_count)
          IS DISTINCT FROM (excluded.fact_events_count, excluded.superseded_events_count);

    PERFORM warehouse._move_event_figures();

    SELECT m.fact_events_count + m.superseded_events_count, m.fact_events_count, 0, m.superseded_events_count
    INTO v_result.rows_in, v_result.rows_out, v_result.rows_rejected, v_result.rows_duplicate
    FROM warehouse.daily_metrics m WHERE m.run_date = p_load_date;
    RETURN v_result;
END
$_write_event_figures$;
COMMENT ON FUNCTION warehouse._write_event_figures(date, bigint)
    IS 'Writes the fact figures of a load''s day, and adjusts those of the days that events moved from or to';

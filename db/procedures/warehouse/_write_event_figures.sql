-- Writes the fact figures of a load's day and of its types of events, and adjusts those of the days that events moved from or to.
-- p_count: events of the load that are in the facts;  p_query: gives its events, also those in pg_temp.superseded_rows
CREATE OR REPLACE FUNCTION warehouse._write_event_figures(p_load_date date, p_count bigint, p_query text) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_write_event_figures$
DECLARE
    v_result audit.step_result;
BEGIN
    -- A table, because INSERT … SELECT would use one core only.
    EXECUTE format('CREATE TEMPORARY TABLE event_types ON COMMIT DROP AS
                    SELECT e.event_type, count(*) AS events FROM (%s) AS e WHERE octet_length(e.event_type) <= 100 GROUP BY e.event_type', p_query);
    DELETE FROM warehouse.daily_event_types d WHERE d.load_date = p_load_date;
    INSERT INTO warehouse.daily_event_types (load_date, event_type, events)
    SELECT p_load_date, t.event_type, t.events - coalesce(s.events, 0)
    FROM pg_temp.event_types t
    LEFT JOIN (SELECT r.event_type, count(*) AS events FROM pg_temp.superseded_rows r GROUP BY r.event_type) AS s ON s.event_type = t.event_type
    WHERE t.events > coalesce(s.events, 0);
    DROP TABLE pg_temp.event_types;

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
COMMENT ON FUNCTION warehouse._write_event_figures(date, bigint, text)
    IS 'Writes the fact figures of a load''s day, and adjusts those of the days that events moved from or to';

-- Fills the stand-ins that reload_fact_events reads and writes: what is there of the events that came late to the day, or that are
-- the day's and came late to others.
CREATE OR REPLACE FUNCTION audit._preview_events(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_events$
DECLARE
    v_zone constant text := staging.time_zone();
    v_from constant timestamptz := staging.start_of_day(p_load_date);
    v_to   constant timestamptz := staging.start_of_day(p_load_date + 1);
BEGIN
    CREATE TEMPORARY TABLE preview_events AS
    SELECT e.event_id, e.event_ts FROM pg_temp.events_clean e WHERE e.load_date = p_load_date AND e.event_ts < v_from
    UNION
    SELECT o.event_id, o.event_ts FROM warehouse.late_events o WHERE o.load_date = p_load_date;
    ANALYZE pg_temp.preview_events;

    WITH late AS (
        INSERT INTO pg_temp.late_events
        SELECT o.* FROM warehouse.late_events o WHERE o.load_date = p_load_date
        UNION
        SELECT o.* FROM pg_temp.preview_events k JOIN warehouse.late_events o ON o.event_id = k.event_id AND o.event_ts = k.event_ts
        UNION
        SELECT o.* FROM warehouse.late_events o WHERE o.event_ts >= v_from AND o.event_ts < v_to AND o.load_date > p_load_date
        RETURNING load_date
    ),
    superseded AS (
        INSERT INTO pg_temp.events_superseded
        SELECT s.* FROM warehouse.events_superseded s WHERE s.load_date = p_load_date
        UNION ALL
        SELECT s.* FROM pg_temp.preview_events k
        JOIN warehouse.events_superseded s ON s.event_id = k.event_id AND s.event_ts = k.event_ts WHERE s.load_date <> p_load_date
        RETURNING load_date
    )
    INSERT INTO pg_temp.daily_metrics
    SELECT m.* FROM warehouse.daily_metrics m
    WHERE m.run_date IN (SELECT l.load_date FROM late l UNION SELECT s.load_date FROM superseded s
                         UNION SELECT (k.event_ts AT TIME ZONE v_zone)::date FROM pg_temp.preview_events k)
    ON CONFLICT ON CONSTRAINT daily_metrics_pkey DO NOTHING;
    ANALYZE pg_temp.late_events, pg_temp.events_superseded;

    CREATE TEMPORARY TABLE preview_others AS
    SELECT (k.event_ts AT TIME ZONE v_zone)::date AS load_date, k.event_id, k.event_ts FROM pg_temp.preview_events k
    UNION
    SELECT o.load_date, o.event_id, o.event_ts FROM pg_temp.late_events o
    UNION
    SELECT s.load_date, NULL, NULL FROM pg_temp.events_superseded s;
    DELETE FROM pg_temp.preview_others p WHERE p.load_date = p_load_date;
    PERFORM audit._preview_partitions('fact_events', p_load_date, ARRAY['event_id', 'event_ts']);
    DROP TABLE pg_temp.preview_others;
    CREATE TEMPORARY TABLE before_events_superseded AS TABLE pg_temp.events_superseded;
END
$_preview_events$;
COMMENT ON FUNCTION audit._preview_events(date) IS 'Fills the stand-ins that reload_fact_events reads and writes';

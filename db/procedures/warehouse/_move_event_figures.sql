-- Adjusts the fact figures of the days that events moved from or to: pg_temp.taken_rows, given_rows. Each day is looked
-- up: the cost does not grow with the number of days.
CREATE OR REPLACE FUNCTION warehouse._move_event_figures() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off
AS $_move_event_figures$
BEGIN
    UPDATE warehouse.daily_metrics m
    SET fact_events_count = m.fact_events_count + d.events, superseded_events_count = m.superseded_events_count - d.events,
        updated_at = now()
    FROM (
        SELECT r.load_date, sum(r.sign) AS events
        FROM (SELECT t.load_date, -1 AS sign FROM pg_temp.taken_rows t
              UNION ALL
              SELECT g.load_date, 1 FROM pg_temp.given_rows g) AS r
        GROUP BY r.load_date
    ) AS d
    WHERE m.run_date = d.load_date;
END
$_move_event_figures$;
COMMENT ON FUNCTION warehouse._move_event_figures() IS 'Adjusts the fact figures of the days that events moved from or to';

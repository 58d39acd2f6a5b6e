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

    CREATE TEMPORARY TABLE moved_types ON COMMIT DROP AS
    SELECT r.load_date, r.event_type, sum(r.sign) AS events
    FROM (SELECT t.load_date, t.event_type, -1 AS sign FROM pg_temp.taken_rows t
          UNION ALL
          SELECT g.load_date, g.event_type, 1 FROM pg_temp.given_rows g) AS r
    WHERE octet_length(r.event_type) <= 100
    GROUP BY r.load_date, r.event_type;
    INSERT INTO warehouse.daily_event_types AS d (load_date, event_type, events)
    SELECT t.load_date, t.event_type, t.events FROM pg_temp.moved_types t
    ORDER BY t.load_date, t.event_type
    ON CONFLICT ON CONSTRAINT daily_event_types_pkey DO UPDATE SET events = d.events + excluded.events;
    DELETE FROM warehouse.daily_event_types d
    WHERE d.events = 0 AND (d.load_date, d.event_type) IN (SELECT t.load_date, t.event_type FROM pg_temp.moved_types t);
    DROP TABLE pg_temp.moved_types;
END
$_move_event_figures$;
COMMENT ON FUNCTION warehouse._move_event_figures() IS 'Adjusts the fact figures of the days that events moved from or to';

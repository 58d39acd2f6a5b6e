-- Worker of reload_fact_events: puts the events of a load in place of what that load brought before.
--
-- Reads:  staging.events_clean of the day
-- Writes: warehouse.fact_events, warehouse.events_superseded, warehouse.late_events, warehouse.daily_event_types and the fact figures
--         of warehouse.daily_metrics: of the day, and of the days that events moved from or to
-- Locks:  fact_events' publish lock (advisory) once the partition is built, and that of
--         daily_metrics before rows move, until the transaction ends; what warehouse._publish_day takes
-- Errors: WH006 a swap did not get its locks, WH011 a dimension was not loaded
-- Safe to repeat: an event belongs to the greatest load_date that has it, whatever the order of loading.
--
-- An event is identified by (event_id, event_ts). It can only be in the load of its own day, which is the
-- shop's, or in a later one as a late event; so a repeat is found in late_events and in the one partition of its day.
--
-- Passed in temporary tables, all but the first two to _place_facts.sql:
--   late_keys (event_id, event_ts)              the events of this load that came later than their own day
--   later_keys (event_id, event_ts)             those that a later load has, too
--   superseded_rows (columns of the facts)      its events that a later load has in force
--   given_back (event_id, event_ts, load_date)  events that it gives back, and to which load
--   taken_over (event_id, event_ts, load_date)  events that it takes over, and from which load
--   taken_rows, given_rows                      the rows that moved: made by _move_rows, read by _write_event_figures
CREATE OR REPLACE FUNCTION warehouse._reload_fact_events(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_reload_fact_events$
DECLARE
    v_zone   text := staging.time_zone();
    v_from   timestamptz := staging.start_of_day(p_load_date);
    v_to     timestamptz := staging.start_of_day(p_load_date + 1);
    v_live   regclass;
    v_events text;
    v_owned  text;
    v_late   text;
    v_built  bigint := 0;
    v_count  bigint;
    v_result audit.step_result;
BEGIN
    v_live := warehouse._partition_of('warehouse.fact_events', p_load_date);
    v_events := warehouse._facts_of_day('staging.event_facts', 'staging.events_clean', p_load_date);

    -- The work of a first load is done before the lock is taken; parallel days wait only for the short rest.
    IF v_live IS NULL THEN
        v_built := warehouse._build_day('warehouse.fact_events', p_load_date, v_events);
    END IF;
    PERFORM warehouse._lock_publishing('warehouse.fact_events');

    -- The index of what was built shows which events are late, and how many there are.
    IF v_built > 0 THEN
        v_count := v_built;
        v_late := format('SELECT f.event_id, f.event_ts FROM %s f WHERE f.date_id < %s',
                         warehouse._partition_name('warehouse.fact_events', p_load_date, 'day'), to_char(p_load_date, 'YYYYMMDD'));
    ELSE
        EXECUTE format('SELECT count(*) FROM (%s) AS l', v_events) INTO v_count;
        v_late := format('SELECT l.event_id, l.event_ts FROM (%s) AS l WHERE l.event_ts < %L::timestamptz', v_events, v_from);
    END IF;
    EXECUTE format('CREATE TEMPORARY TABLE late_keys ON COMMIT DROP AS %s', v_late);
    ANALYZE pg_temp.late_keys;

    -- Late events that this load no longer has go back to the last earlier load that has them.
    CREATE TEMPORARY TABLE given_back ON COMMIT DROP AS
    SELECT o.event_id, o.event_ts, s.load_date
    FROM warehouse.late_events o
    CROSS JOIN LATERAL (
        SELECT e.load_date FROM warehouse.events_superseded e
        WHERE e.event_id = o.event_id AND e.event_ts = o.event_ts AND e.load_date < p_load_date
        ORDER BY e.load_date DESC LIMIT 1
    ) AS s
    WHERE o.load_date = p_load_date
      AND NOT EXISTS (SELECT FROM pg_temp.late_keys k WHERE k.event_id = o.event_id AND k.event_ts = o.event_ts)
      AND NOT EXISTS (SELECT FROM warehouse.late_events later
                      WHERE later.event_id = o.event_id AND later.event_ts = o.event_ts AND later.load_date > p_load_date);

    ANALYZE pg_temp.given_back;

    -- Earlier loads that may hold this load's late events: that of the event's own day, and others to which it came late.
    -- Not of those that it had before: they were taken then, and a load that is corrected leaves them to this one.
    CREATE TEMPORARY TABLE taken_over ON COMMIT DROP AS
    SELECT k.event_id, k.event_ts, e.load_date
    FROM pg_temp.late_keys k
    CROSS JOIN LATERAL (
        SELECT (k.event_ts AT TIME ZONE v_zone)::date AS load_date
        UNION ALL
        SELECT o.load_date FROM warehouse.late_events o
        WHERE o.event_id = k.event_id AND o.event_ts = k.event_ts AND o.load_date < p_load_date
    ) AS e
    WHERE NOT EXISTS (SELECT FROM warehouse.late_events known
                      WHERE known.event_id = k.event_id AND known.event_ts = k.event_ts AND known.load_date = p_load_date);
    ANALYZE pg_temp.taken_over;

    DELETE FROM warehouse.late_events o
    WHERE o.load_date = p_load_date
      AND NOT EXISTS (SELECT FROM pg_temp.late_keys k WHERE k.event_id = o.event_id AND k.event_ts = o.event_ts);
    INSERT INTO warehouse.late_events (event_id, event_ts, load_date)
    SELECT k.event_id, k.event_ts, p_load_date FROM pg_temp.late_keys k
    ON CONFLICT ON CONSTRAINT late_events_pkey DO NOTHING;

    -- Events that later loads have too: theirs are in force, ours are kept as superseded.
    CREATE TEMPORARY TABLE later_keys ON COMMIT DROP AS
    SELECT o.event_id, o.event_ts FROM warehouse.late_events o
    WHERE o.event_ts >= v_from AND o.event_ts < v_to AND o.load_date > p_load_date
    UNION
    SELECT k.event_id, k.event_ts FROM pg_temp.late_keys k
    JOIN warehouse.late_events o ON o.event_id = k.event_id AND o.event_ts = k.event_ts AND o.load_date > p_load_date;
    ANALYZE pg_temp.later_keys;
    EXECUTE format('CREATE TEMPORARY TABLE superseded_rows ON COMMIT DROP AS SELECT l.* FROM (%s) AS l
                    JOIN pg_temp.later_keys k ON k.event_id = l.event_id AND k.event_ts = l.event_ts', v_events);
    v_count := v_count - (SELECT count(*) FROM pg_temp.superseded_rows);
    PERFORM warehouse._replace_superseded('warehouse.events_superseded', p_load_date);

    v_owned := v_events;
    IF EXISTS (SELECT FROM pg_temp.later_keys) THEN
        v_owned := format('SELECT l.* FROM (%s) AS l
                           WHERE NOT EXISTS (SELECT FROM pg_temp.later_keys k WHERE k.event_id = l.event_id AND k.event_ts = l.event_ts)',
                          v_events);
    END IF;
    PERFORM warehouse._move_rows('warehouse.fact_events', 'warehouse.events_superseded', ARRAY['event_id', 'event_ts']);
    v_result := warehouse._write_event_figures(p_load_date, v_count, CASE WHEN v_built > 0
        THEN format('SELECT f.event_type FROM %s f', warehouse._partition_name('warehouse.fact_events', p_load_date, 'day')) ELSE v_events END);
    PERFORM warehouse._place_facts('warehouse.fact_events', p_load_date, v_owned, ARRAY['event_id', 'event_ts'], v_built);
    DROP TABLE pg_temp.late_keys, pg_temp.later_keys, pg_temp.superseded_rows, pg_temp.given_back, pg_temp.taken_over,
               pg_temp.taken_rows, pg_temp.given_rows;
    RETURN v_result;
END
$_reload_fact_events$;
COMMENT ON FUNCTION warehouse._reload_fact_events(date)
    IS 'Worker of reload_fact_events: puts the events of a load in place of what that load brought before';

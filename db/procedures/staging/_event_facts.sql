-- The way from staging to warehouse.fact_events: how an event of staging becomes a fact, one line per column of the facts.
-- reload_fact_events applies it to one partition (warehouse._facts_of_day), so it reads only staging.events_clean.
-- The view is made anew whenever this file changes. A revision that has to drop it also says DELETE FROM audit.routine_files
-- WHERE path = 'staging/_event_facts.sql', so that it is made again.
DROP VIEW IF EXISTS staging.event_facts;
CREATE VIEW staging.event_facts AS
SELECT s.staging_events_id AS fact_events_id, s.event_id,
       coalesce(s.user_id, '(guest)') AS user_id, coalesce(s.product_id, '(none)') AS product_id,
       -- Nearly all events are of the day of their load: these cost one comparison, because load_date is a constant then.
       CASE WHEN s.event_ts >= (SELECT staging.start_of_day(s.load_date)) AND s.event_ts < (SELECT staging.start_of_day(s.load_date + 1))
            THEN (extract(year FROM s.load_date) * 10000 + extract(month FROM s.load_date) * 100 + extract(day FROM s.load_date))::integer
            ELSE to_char(s.event_ts AT TIME ZONE (SELECT staging.time_zone()), 'YYYYMMDD')::integer END AS date_id,
       s.event_type, s.event_ts, s.load_date, s.staging_events_id,
       s.attributes
FROM staging.events_clean s;

COMMENT ON VIEW staging.event_facts IS 'One row per event and load, as it stands in warehouse.fact_events unless a later load has it too';
-- The columns have the comments of the facts.
DO $comments$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        SELECT a.attname, col_description(f.attrelid, f.attnum) AS comment
        FROM pg_attribute a
        JOIN pg_attribute f ON f.attrelid = 'warehouse.fact_events'::regclass AND f.attname = a.attname
        WHERE a.attrelid = 'staging.event_facts'::regclass AND a.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN staging.event_facts.%I IS %L', v_column.attname, v_column.comment);
    END LOOP;
END
$comments$;

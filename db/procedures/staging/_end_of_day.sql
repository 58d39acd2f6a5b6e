-- The moment at which the day of a load ends: where a report that does not say when the source changed it stands among those
-- that do. It is inlined; in UTC it costs nothing.
--
-- p_zone: staging.time_zone(), asked once a statement
CREATE OR REPLACE FUNCTION staging._end_of_day(p_load_date date, p_zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN p_zone = 'UTC' THEN (p_load_date + 1)::timestamp AT TIME ZONE 'UTC' ELSE staging.start_of_day(p_load_date + 1) END;
COMMENT ON FUNCTION staging._end_of_day(date, text) IS 'The moment at which the day of a load ends';

-- The moment at which the day of a load ends: where a report that does not say when the source changed it stands among those
-- that do. The one place that knows it.
CREATE OR REPLACE FUNCTION staging._end_of_day(p_load_date date) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (p_load_date + 1)::timestamp AT TIME ZONE 'UTC';
COMMENT ON FUNCTION staging._end_of_day(date) IS 'The moment at which the day of a load ends';

-- The latest updated_at that an order of a load may have, a day after the load's own: a later one would win for ever.
CREATE OR REPLACE FUNCTION staging._latest_update(p_load_date date) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN staging._end_of_day(p_load_date + 1);
COMMENT ON FUNCTION staging._latest_update(date) IS 'The latest updated_at that an order of a load may have';

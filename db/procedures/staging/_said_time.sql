-- A time as delivered, with or without blanks around it (_iso_time). It is inlined, and so is the first _iso_time: a call costs more
-- than what it does. Only what has blanks pays for one.
--
-- p_value: a column: it stands here many times
CREATE OR REPLACE FUNCTION staging._said_time(p_value text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(staging._iso_time(p_value), CASE WHEN staging._trimmed(p_value) <> p_value THEN staging._iso_time(staging._trimmed(p_value)) END);
COMMENT ON FUNCTION staging._said_time(text) IS 'A time as delivered, with or without blanks around it';

-- Whether an id is a whole number of which a program has made a fraction, as in 123.0. For rules.
--
-- No program writes one of 32 bytes so. It is inlined: p_id is a column, and stands here four times.
CREATE OR REPLACE FUNCTION staging.is_point_zero(p_id text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ascii(p_id) < 58 AND octet_length(p_id) < 32 AND p_id LIKE '%.0' THEN p_id ~ '^[0-9]+[.]0$' ELSE false END;
COMMENT ON FUNCTION staging.is_point_zero(text) IS 'Whether an id is a whole number of which a program has made a fraction, as in 123.0';

-- A problem, if it is one; with the first 1,000 characters of the value.
CREATE OR REPLACE FUNCTION staging._problem(p_is_wrong boolean, p_reason text, p_value text) RETURNS staging.problem
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN p_is_wrong THEN ROW(p_reason, left(p_value, 1000))::staging.problem END;
COMMENT ON FUNCTION staging._problem(boolean, text, text) IS 'A problem, if it is one';

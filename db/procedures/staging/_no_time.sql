-- Why a text is no time, to follow the name of its field.
CREATE OR REPLACE FUNCTION staging._no_time(p_value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'is not an ISO 8601 time' || coalesce(': it looks like ' || staging._since_1970(p_value) || ' since 1970', '');
COMMENT ON FUNCTION staging._no_time(text) IS 'Why a text is no time, to follow the name of its field';

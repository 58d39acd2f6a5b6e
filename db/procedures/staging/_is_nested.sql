-- Whether a JSON value is an object or array where a plain value belongs. The CASE keeps the JSON from being parsed
-- if the text already says no: a large order would be parsed once per item.
CREATE OR REPLACE FUNCTION staging._is_nested(p_value text, p_json json) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ascii(p_value) IN (ascii('{'), ascii('[')) THEN coalesce(json_typeof(p_json) IN ('object', 'array'), false) ELSE false END;
COMMENT ON FUNCTION staging._is_nested(text, json) IS 'Whether a JSON value is an object or array where a plain value belongs';

-- Whether a text may be an object or array, where a plain value belongs. It is inlined.
CREATE OR REPLACE FUNCTION staging._is_braced(p_value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ascii(p_value) IN (ascii('{'), ascii('['));
COMMENT ON FUNCTION staging._is_braced(text) IS 'Whether a text may be an object or array';

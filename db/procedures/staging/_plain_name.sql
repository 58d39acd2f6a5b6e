-- The name of a field without what people spell differently: case, '_', '-', '.', ':' and blanks.
CREATE OR REPLACE FUNCTION staging._plain_name(p_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lower(translate(p_name, '_-.: ', ''));
COMMENT ON FUNCTION staging._plain_name(text) IS 'The name of a field without what people spell differently';

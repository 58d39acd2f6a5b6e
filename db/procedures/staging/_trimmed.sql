-- A text without the blanks around it; NULL if nothing is left.
CREATE OR REPLACE FUNCTION staging._trimmed(p_value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(btrim(p_value, E' \t\n\r\f\x0b'), '');
COMMENT ON FUNCTION staging._trimmed(text) IS 'A text without the blanks around it; NULL if nothing is left';

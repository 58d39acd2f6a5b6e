-- Whether nothing is left of a text without the blanks around it. What begins with a sign of ASCII is not trimmed for that.
CREATE OR REPLACE FUNCTION staging._is_blank(p_value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (ascii(p_value) + 61) / 94 = 1 THEN false ELSE staging._trimmed(p_value) IS NULL END;
COMMENT ON FUNCTION staging._is_blank(text) IS 'Whether nothing is left of a text without the blanks around it';

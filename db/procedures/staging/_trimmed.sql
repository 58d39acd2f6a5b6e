-- A text without the blanks around it; NULL if nothing is left.
--
-- Nearly every text begins and ends with a sign of ASCII, '!' to '~' (33 to 126), and stays as it is: + 61 makes that 94 to 187.
-- Its last byte is read as one of a name, which is an array of bytes: right(…, 1) would count all characters before it. What is
-- no sign of ASCII is negative there, and of a text that is longer than a name it is NULL or 0: these are trimmed.
-- p_value is a column, or cheap: it stands here five times, and is worked out each time.
CREATE OR REPLACE FUNCTION staging._trimmed(p_value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (ascii(p_value) + 61) / 94 = 1 AND (p_value::name)[octet_length(p_value) - 1]::integer > 32 THEN p_value
            ELSE nullif(btrim(p_value, staging._blanks()), '') END;
COMMENT ON FUNCTION staging._trimmed(text) IS 'A text without the blanks around it; NULL if nothing is left';

-- A text without the blanks around it; NULL if nothing is left.
--
-- Nearly every text begins and ends with a sign of ASCII, '!' to '~' (33 to 126), and stays as it is: + 61 makes that 94 to 187.
-- p_value is a column, or cheap: it stands here four times, and is worked out each time.
CREATE OR REPLACE FUNCTION staging._trimmed(p_value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (ascii(p_value) + 61) / 94 = 1 AND (ascii(right(p_value, 1)) + 61) / 94 = 1 THEN p_value
            ELSE nullif(btrim(p_value, staging._blanks()), '') END;
COMMENT ON FUNCTION staging._trimmed(text) IS 'A text without the blanks around it; NULL if nothing is left';

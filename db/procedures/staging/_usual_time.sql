-- A time of the day of the load, or of another, in the shape that nearly all have, 2025-12-19T09:30:00Z, by its bytes; NULL for all else, which
-- _iso_time looks at. A regular expression costs for each state, and a cast for each word: together three times this.
--
-- p_value: the text;  p_bytes: the same, by convert_to. Both are columns: as expressions they would be worked out at each use.
-- p_shape: what such a time looks like, to LIKE: '2025-12-19T__:__:__Z'. Whether its blanks are digits is looked at here: a
--          letter of two bytes is none, so what comes after it stands where it is looked for.
CREATE OR REPLACE FUNCTION staging._usual_time(p_value text, p_bytes bytea, p_day date, p_shape text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    -- '0' is 48, the digits are 48 # 0 to 48 # 9; '2' and '4' of 24:00 are 50 and 52.
    WHEN p_value LIKE p_shape
         AND get_byte(p_bytes, 11) # 48 < 3 AND get_byte(p_bytes, 12) # 48 < 10 AND get_byte(p_bytes, 11) * 10 + get_byte(p_bytes, 12) < 50 * 10 + 52
         AND get_byte(p_bytes, 14) # 48 < 6 AND get_byte(p_bytes, 15) # 48 < 10
         AND get_byte(p_bytes, 17) # 48 < 6 AND get_byte(p_bytes, 18) # 48 < 10
    THEN to_timestamp(extract(epoch FROM p_day)::double precision
                      + ((get_byte(p_bytes, 11) - 48) * 36000 + (get_byte(p_bytes, 12) - 48) * 3600 + (get_byte(p_bytes, 14) - 48) * 600
                         + (get_byte(p_bytes, 15) - 48) * 60 + (get_byte(p_bytes, 17) - 48) * 10 + get_byte(p_bytes, 18) - 48))
END;
COMMENT ON FUNCTION staging._usual_time(text, bytea, date, text) IS 'A time of the day of the load in its usual shape; NULL for all else';

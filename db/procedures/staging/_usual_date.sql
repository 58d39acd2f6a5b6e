-- A date in the shape that nearly all have, 2025-12-19, by its bytes; NULL for all else, which _iso_time looks at: as it does
-- for the 29th of February.
--
-- p_value: the text;  p_bytes: the same, by convert_to; both are columns, as with _usual_time
CREATE OR REPLACE FUNCTION staging._usual_date(p_value text, p_bytes bytea) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    -- '0' is 48, the digits are 48 # 0 to 48 # 9. A year that begins with 0 is left to _iso_time.
    WHEN p_value LIKE '____-__-__'
         AND get_byte(p_bytes, 0) # 48 BETWEEN 1 AND 9 AND get_byte(p_bytes, 1) # 48 < 10 AND get_byte(p_bytes, 2) # 48 < 10 AND get_byte(p_bytes, 3) # 48 < 10
         AND get_byte(p_bytes, 5) # 48 < 2 AND get_byte(p_bytes, 6) # 48 < 10
         AND (get_byte(p_bytes, 5) - 48) * 10 + get_byte(p_bytes, 6) - 48 BETWEEN 1 AND 12
         AND get_byte(p_bytes, 8) # 48 < 4 AND get_byte(p_bytes, 9) # 48 < 10
         AND ((get_byte(p_bytes, 8) - 48) * 10 + get_byte(p_bytes, 9) - 48 BETWEEN 1 AND 28
              OR (get_byte(p_bytes, 5) - 48) * 10 + get_byte(p_bytes, 6) - 48 <> 2
                 AND ((get_byte(p_bytes, 8) - 48) * 10 + get_byte(p_bytes, 9) - 48 BETWEEN 29 AND 30
                      OR (get_byte(p_bytes, 8) - 48) * 10 + get_byte(p_bytes, 9) - 48 = 31
                         AND (get_byte(p_bytes, 5) - 48) * 10 + get_byte(p_bytes, 6) - 48 IN (1, 3, 5, 7, 8, 10, 12)))
    THEN make_date((get_byte(p_bytes, 0) - 48) * 1000 + (get_byte(p_bytes, 1) - 48) * 100 + (get_byte(p_bytes, 2) - 48) * 10 + get_byte(p_bytes, 3) - 48,
                   (get_byte(p_bytes, 5) - 48) * 10 + get_byte(p_bytes, 6) - 48,
                   (get_byte(p_bytes, 8) - 48) * 10 + get_byte(p_bytes, 9) - 48)
END;
COMMENT ON FUNCTION staging._usual_date(text, bytea) IS 'A date in its usual shape; NULL for all else';

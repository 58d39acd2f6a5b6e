-- The strings of a JSON text in their order: as written, with the colon after a name, and as a value (NULL if no text can be it).
CREATE OR REPLACE FUNCTION raw._literals(p_json text) RETURNS TABLE (place bigint, literal text, colon text, value text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_literals$
    SELECT m.place, m.parts[1], m.parts[2],
           CASE WHEN position('\' IN m.parts[1]) = 0 THEN substr(m.parts[1], 2, length(m.parts[1]) - 2)
                WHEN staging._is_storable(m.parts[1]) THEN m.parts[1]::json #>> '{}' END
    FROM regexp_matches(p_json, '("(?:[^"\\]|\\.)*")(\s*:)?', 'g') WITH ORDINALITY AS m (parts, place);
$_literals$;
COMMENT ON FUNCTION raw._literals(text) IS 'The strings of a JSON text in their order';

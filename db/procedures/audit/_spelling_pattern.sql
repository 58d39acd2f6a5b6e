-- A regular expression for a text, each character of which may be written as it is or as a JSON escape.
CREATE OR REPLACE FUNCTION audit._spelling_pattern(p_text text, p_is_line boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_spelling_pattern$
    SELECT string_agg(
        format('(?:%s|%s%s)',
               audit._literal_pattern(CASE WHEN p_is_line THEN encode(convert_to(c.character, 'UTF8'), 'escape') ELSE c.character END),
               CASE WHEN c.code < 65536 THEN audit._escape_pattern(c.code, p_is_line)
                    -- Beyond 16 bits: a pair of surrogates.
                    ELSE audit._escape_pattern(55296 + (c.code - 65536) / 1024, p_is_line)
                         || audit._escape_pattern(56320 + (c.code - 65536) % 1024, p_is_line) END,
               -- NULL for most characters, which adds nothing.
               '|' || CASE WHEN p_is_line THEN '\\\\' ELSE '\\' END
                   || CASE c.character WHEN '"' THEN '"' WHEN '/' THEN '/' WHEN '\' THEN CASE WHEN p_is_line THEN '\\\\' ELSE '\\' END
                                       WHEN E'\b' THEN 'b' WHEN E'\f' THEN 'f' WHEN E'\n' THEN 'n' WHEN E'\r' THEN 'r' WHEN E'\t' THEN 't' END),
        '' ORDER BY c.place)
    FROM (SELECT k.character, ascii(k.character) AS code, k.place
          FROM unnest(string_to_array(p_text, NULL)) WITH ORDINALITY AS k (character, place)) AS c;
$_spelling_pattern$;
COMMENT ON FUNCTION audit._spelling_pattern(text, boolean) IS 'A regular expression for a text whose characters may be JSON escapes';

-- Regular expressions that find a user_id, however its characters are written. The server goes through a text once for
-- each, in the same time whatever the pattern: so they are what all of raw is searched with.

-- As a word of any text: not as a part of a longer one.
CREATE OR REPLACE FUNCTION audit._word_pattern(p_word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_word_pattern$
    SELECT '(^|[^A-Za-z0-9_-]|\\[0-7]{3})' || audit._literal_pattern(p_word) || '($|[^A-Za-z0-9_-])';
$_word_pattern$;
COMMENT ON FUNCTION audit._word_pattern(text) IS 'A regular expression that finds a user_id as a word of any text';

-- A text whose characters may each be written as it is or as an escape of JSON.
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
               -- NULL, and so nothing, for most characters.
               '|' || CASE WHEN p_is_line THEN '\\\\' ELSE '\\' END
                   || CASE c.character WHEN '"' THEN '"' WHEN '/' THEN '/' WHEN '\' THEN CASE WHEN p_is_line THEN '\\\\' ELSE '\\' END
                                       WHEN E'\b' THEN 'b' WHEN E'\f' THEN 'f' WHEN E'\n' THEN 'n' WHEN E'\r' THEN 'r' WHEN E'\t' THEN 't' END),
        '' ORDER BY c.place)
    FROM (SELECT k.character, ascii(k.character) AS code, k.place
          FROM unnest(string_to_array(p_text, NULL)) WITH ORDINALITY AS k (character, place)) AS c;
$_spelling_pattern$;
COMMENT ON FUNCTION audit._spelling_pattern(text, boolean) IS 'A regular expression for a text whose characters may be escapes of JSON';

CREATE OR REPLACE FUNCTION audit._escape_pattern(p_code integer, p_is_line boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_escape_pattern$
    SELECT CASE WHEN p_is_line THEN '\\\\u' ELSE '\\u' END
           || (SELECT string_agg(CASE WHEN h.digit BETWEEN 'a' AND 'f' THEN format('[%s%s]', h.digit, upper(h.digit)) ELSE h.digit END,
                                 '' ORDER BY h.place)
               FROM unnest(string_to_array(lpad(to_hex(p_code), 4, '0'), NULL)) WITH ORDINALITY AS h (digit, place));
$_escape_pattern$;
COMMENT ON FUNCTION audit._escape_pattern(integer, boolean) IS 'A regular expression for \uXXXX, whatever the case of its digits';

-- A blank that is written as an escape of JSON.
CREATE OR REPLACE FUNCTION audit._blank_pattern(p_is_line boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_blank_pattern$
    SELECT CASE WHEN p_is_line THEN '\\\\' ELSE '\\' END || '(?:[tnrf]|u00(?:09|0[aAbBcCdD]|20))';
$_blank_pattern$;
COMMENT ON FUNCTION audit._blank_pattern(boolean) IS 'A regular expression for a blank that is written as an escape of JSON';

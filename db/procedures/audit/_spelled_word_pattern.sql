-- A regular expression that finds a user_id as a word, with characters that may be written as JSON escapes.
-- p_is_line: the text is a line that raw could not take, as encode(…, 'escape') writes it
CREATE OR REPLACE FUNCTION audit._spelled_word_pattern(p_word text, p_is_line boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_spelled_word_pattern$
    SELECT '(^|[^A-Za-z0-9_-]|\\[0-7]{3}|' || audit._blank_pattern(p_is_line) || ')'
           || audit._spelling_pattern(p_word, p_is_line) || '($|[^A-Za-z0-9_-])';
$_spelled_word_pattern$;
COMMENT ON FUNCTION audit._spelled_word_pattern(text, boolean) IS 'A regular expression that finds a user_id as a word, escaped or not';

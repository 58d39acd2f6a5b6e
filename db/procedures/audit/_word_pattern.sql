-- This pattern and its like find a user_id however its characters are written. The server reads a text once per pattern, in
-- the same time whatever the pattern is: so all of raw can be searched with them.

-- A regular expression that finds a user_id as a word of any text, not as a part of a longer word.
CREATE OR REPLACE FUNCTION audit._word_pattern(p_word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_word_pattern$
    SELECT '(^|[^A-Za-z0-9_-]|\\[0-7]{3})' || audit._literal_pattern(p_word) || '($|[^A-Za-z0-9_-])';
$_word_pattern$;
COMMENT ON FUNCTION audit._word_pattern(text) IS 'A regular expression that finds a user_id as a word of any text';

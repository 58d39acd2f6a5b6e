-- A regular expression that finds a user_id as a string of a JSON text, with or without blanks around it; or, if it can be a
-- number, as the value of id or user_id.
CREATE OR REPLACE FUNCTION audit._string_pattern(p_word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_string_pattern$
    SELECT concat('"', audit._blanks_pattern(), audit._spelling_pattern(p_word, false), audit._blanks_pattern(), '"',
                  CASE WHEN p_word ~ '^[-+0-9.eE]+$' OR p_word IN ('true', 'false')
                       THEN concat('|"(?:', audit._spelling_pattern('user_', false), ')?', audit._spelling_pattern('id', false),
                                   '"[[:space:]]*:[[:space:]]*', audit._literal_pattern(p_word), '[[:space:]]*[,}]') END);
$_string_pattern$;
COMMENT ON FUNCTION audit._string_pattern(text) IS 'A regular expression that finds a user_id as a string of a JSON text';

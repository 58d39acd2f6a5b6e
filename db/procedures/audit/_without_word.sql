-- A message without a user_id. A user_id that is a number is replaced only where it is quoted: messages count things.
CREATE OR REPLACE FUNCTION audit._without_word(p_text text, p_user_id text, p_pseudonym text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_without_word$
    SELECT CASE WHEN position(p_user_id IN p_text) = 0 THEN p_text
                ELSE regexp_replace(p_text,
                          CASE WHEN p_user_id ~ '^[0-9.,+-]+$' THEN format('(["''(=])(?:%s)(?=["'')])', audit._literal_pattern(p_user_id))
                               ELSE format('(^|[[:space:]"''(=,;:>[{])(?:%s)(?=$|[[:space:]"''),;:.!?<}]|])', audit._literal_pattern(p_user_id)) END,
                          '\1' || replace(p_pseudonym, '\', '\\'), 'g') END;
$_without_word$;
COMMENT ON FUNCTION audit._without_word(text, text, text) IS 'A message without a user_id';

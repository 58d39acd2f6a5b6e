-- Whether a file's name fits a pattern of staging.shapes: * is any text, ? is one character, the case does not matter.
CREATE OR REPLACE FUNCTION staging._name_fits(p_name text, p_pattern text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_name_fits$
    SELECT lower(p_name COLLATE "C") LIKE translate(regexp_replace(lower(p_pattern COLLATE "C"), '([\\%_])', '\\\1', 'g'), '*?', '%_');
$_name_fits$;
COMMENT ON FUNCTION staging._name_fits(text, text) IS 'Whether a file''s name fits a pattern of staging.shapes';

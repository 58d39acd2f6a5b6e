-- A regular expression that matches a text literally.
CREATE OR REPLACE FUNCTION audit._literal_pattern(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_literal_pattern$
    SELECT regexp_replace(p_text, '([^[:alnum:][:space:]])', '\\\1', 'g');
$_literal_pattern$;
COMMENT ON FUNCTION audit._literal_pattern(text) IS 'A regular expression that matches a text literally';

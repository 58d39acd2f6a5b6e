-- A regular expression for the blanks beside a value of a JSON text, as they are or as JSON escapes.
CREATE OR REPLACE FUNCTION audit._blanks_pattern() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_blanks_pattern$
    SELECT format('(?:[%s]|%s)*', staging._blanks(), audit._blank_pattern(false));
$_blanks_pattern$;
COMMENT ON FUNCTION audit._blanks_pattern() IS 'A regular expression for the blanks beside a value of a JSON text';

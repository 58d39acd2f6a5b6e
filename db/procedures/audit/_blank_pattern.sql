-- A regular expression for a blank that is written as a JSON escape.
CREATE OR REPLACE FUNCTION audit._blank_pattern(p_is_line boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_blank_pattern$
    SELECT CASE WHEN p_is_line THEN '\\\\' ELSE '\\' END || '(?:[tnrf]|u00(?:09|0[aAbBcCdD]|20))';
$_blank_pattern$;
COMMENT ON FUNCTION audit._blank_pattern(boolean) IS 'A regular expression for a blank that is written as a JSON escape';

-- A regular expression for a blank of staging._blanks that is written as a JSON escape.
CREATE OR REPLACE FUNCTION audit._blank_pattern(p_is_line boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_blank_pattern$
    SELECT format('(?:%s[tnrf]|%s)', CASE WHEN p_is_line THEN '\\\\' ELSE '\\' END, string_agg(audit._escape_pattern(ascii(b.blank), p_is_line), '|'))
    FROM unnest(string_to_array(staging._blanks(), NULL)) AS b (blank);
$_blank_pattern$;
COMMENT ON FUNCTION audit._blank_pattern(boolean) IS 'A regular expression for a blank that is written as a JSON escape';

-- Finds the name of a field that the warehouse reads, at the end of the text that comes before its value.
CREATE OR REPLACE FUNCTION audit._kept_name_pattern() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_kept_name_pattern$
    SELECT format('"(?:%s)"[[:space:]]*:[[:space:]]*$', string_agg(audit._literal_pattern(k.field), '|'))
    FROM unnest(raw._kept_fields()) AS k (field);
$_kept_name_pattern$;
COMMENT ON FUNCTION audit._kept_name_pattern() IS 'A regular expression that finds, at the end of a text, the name of a field that the warehouse reads';

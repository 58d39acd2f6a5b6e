-- For a record that lacks a required field: the first names in it that are no fields. A misspelled field is among them.
CREATE OR REPLACE FUNCTION staging._record_has(p_record json, p_source text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_record_has$
    SELECT staging._unknown_names(p_record, (SELECT array_agg(f.field) FROM staging.fields f WHERE f.source = p_source));
$_record_has$;
COMMENT ON FUNCTION staging._record_has(json, text) IS 'For a record that lacks a required field: the first names in it that are no fields';

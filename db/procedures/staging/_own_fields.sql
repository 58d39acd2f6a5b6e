-- The custom fields of a source; NULL if there is none.
CREATE OR REPLACE FUNCTION staging._own_fields(p_source text) RETURNS staging.fields[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_own_fields$
    SELECT array_agg(f ORDER BY f.field) FROM staging.fields f WHERE f.source = p_source AND f.column_name IS NULL;
$_own_fields$;
COMMENT ON FUNCTION staging._own_fields(text) IS 'The custom fields of a source; NULL if there is none';

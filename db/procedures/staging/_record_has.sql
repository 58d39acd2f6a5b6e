-- For a record that lacks a required field: the first names in it that are no fields. A misspelled field is among them.
CREATE OR REPLACE FUNCTION staging._record_has(p_record json, p_source text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_record_has$
    SELECT 'the record has ' || string_agg(left(k.name, 60), ', ' ORDER BY k.place)
    FROM (
        SELECT n.name, n.place
        FROM json_object_keys(CASE WHEN json_typeof(p_record) = 'object' THEN p_record ELSE '{}' END) WITH ORDINALITY AS n (name, place)
        WHERE n.name NOT IN ('user', 'items') AND NOT EXISTS (SELECT FROM staging.fields f WHERE f.source = p_source AND f.field = n.name)
        ORDER BY n.place LIMIT 12
    ) AS k;
$_record_has$;
COMMENT ON FUNCTION staging._record_has(json, text) IS 'For a record that lacks a required field: the first names in it that are no fields';

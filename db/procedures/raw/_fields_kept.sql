-- What is kept of a record whose person is erased: the plain values of the fields of these places that are not personal. An
-- object or array where a plain value belongs, and a personal value that is rejected or left empty, become something that is
-- wrong in the same way.
CREATE OR REPLACE FUNCTION raw._fields_kept(p_record json, p_source text, p_places text[]) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC'
AS $_fields_kept$
    SELECT json_strip_nulls(coalesce(json_object_agg(v.field, CASE
               WHEN NOT v.is_personal THEN raw._plain(v.value)
               WHEN json_typeof(v.value) IN ('object', 'array') THEN '{}'::json
               ELSE CASE staging._own_fault(v.said_of, v.value)
                   WHEN 'is longer than 512 bytes' THEN to_json(repeat('x', 513))
                   WHEN 'is not below 1e15' THEN '1e15'::json
                   ELSE CASE WHEN staging._own_fault(v.said_of, v.value) IS NOT NULL THEN '"(erased)"'::json END END END
           ORDER BY v.field), '{}'))
    FROM (
        SELECT f.field, f.is_personal, f AS said_of,
               CASE f.place WHEN 'customer' THEN raw._attribute(p_record, f.field) ELSE p_record -> f.field END AS value
        FROM staging.fields f
        WHERE f.source = p_source AND f.place = ANY (p_places)
    ) AS v;
$_fields_kept$;
COMMENT ON FUNCTION raw._fields_kept(json, text, text[]) IS 'What is kept of a record whose person is erased';

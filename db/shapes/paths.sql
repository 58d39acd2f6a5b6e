-- The paths of the plain values in a record, to a depth of six, with their type and an example of up to 60 characters. Elements of
-- arrays share a path: line_items[].sku.
CREATE OR REPLACE FUNCTION shapes.paths(record json) RETURNS TABLE (path text, type text, example text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $paths$
    WITH RECURSIVE found AS (
        SELECT ''::text AS path, record AS value, 0 AS depth, ARRAY[]::bigint[] AS place
        UNION ALL
        SELECT CASE WHEN c.key IS NULL THEN f.path || '[]' ELSE concat(f.path, CASE WHEN f.path <> '' THEN '.' END, c.key) END, c.value, f.depth + 1, f.place || c.place
        FROM found f
        CROSS JOIN LATERAL (
            SELECT o.key, o.value, o.place FROM json_each(CASE json_typeof(f.value) WHEN 'object' THEN f.value END) WITH ORDINALITY AS o (key, value, place)
            UNION ALL
            SELECT NULL, a.value, a.place FROM json_array_elements(CASE json_typeof(f.value) WHEN 'array' THEN f.value END) WITH ORDINALITY AS a (value, place)
            WHERE a.place <= 20
        ) AS c
        WHERE f.depth < 6
    ),
    plain AS (
        SELECT f.path, json_typeof(f.value) AS type, f.value #>> '{}' AS example, f.place
        FROM found f WHERE f.path <> '' AND json_typeof(f.value) NOT IN ('object', 'array')
    )
    SELECT p.path, coalesce(string_agg(DISTINCT p.type, ' or ') FILTER (WHERE p.type <> 'null'), 'null'),
           left((array_agg(p.example ORDER BY p.place) FILTER (WHERE p.type <> 'null'))[1], 60)
    FROM plain p
    GROUP BY p.path
    ORDER BY min(p.place);
$paths$;
COMMENT ON FUNCTION shapes.paths(json) IS 'The paths of the plain values in a record, with their type and an example';

-- The records of a JSON document: the elements of an array; of an object that holds a list of objects those of that list, with its
-- path; else the object itself. A shipped form's own path is looked at first; an object of a shipped form is a record, whatever
-- lists it holds.
CREATE OR REPLACE FUNCTION shapes.records(document json) RETURNS TABLE (records_path text, record json)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $records$
    WITH lists AS (
        SELECT s.records_path AS path, document #> string_to_array(s.records_path, '.') AS list, 1 AS rank
        FROM shapes.shipped() s WHERE s.records_path IS NOT NULL
        UNION ALL
        SELECT e.key, e.value, 2 FROM json_each(CASE json_typeof(document) WHEN 'object' THEN document END) AS e
        UNION ALL
        SELECT e.key || '.' || i.key, i.value, 3
        FROM json_each(CASE json_typeof(document) WHEN 'object' THEN document END) AS e
        CROSS JOIN LATERAL json_each(CASE json_typeof(e.value) WHEN 'object' THEN e.value END) AS i
    ),
    best AS (
        SELECT l.path, l.list FROM lists l
        WHERE json_typeof(l.list) = 'array' AND json_typeof(l.list -> 0) = 'object'
          AND NOT EXISTS (SELECT FROM shapes.score(document) AS o WHERE o.score = 1)
          -- A record of its own says more than where its list lies.
          AND (SELECT count(*) FROM json_each(CASE json_typeof(document) WHEN 'object' THEN document END) AS e WHERE json_typeof(e.value) NOT IN ('object', 'array')) < 4
        ORDER BY l.rank, json_array_length(l.list) DESC, l.path LIMIT 1
    )
    SELECT b.path, e.value
    FROM (SELECT (SELECT f.path FROM best f) AS path, (SELECT f.list FROM best f) AS list) AS b
    CROSS JOIN LATERAL json_array_elements(CASE WHEN json_typeof(document) = 'array' THEN document ELSE coalesce(b.list, json_build_array(document)) END) AS e (value);
$records$;
COMMENT ON FUNCTION shapes.records(json) IS 'The records of a JSON document, and the path at which they lie';

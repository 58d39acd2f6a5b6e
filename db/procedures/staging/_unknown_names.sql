-- The first names in a record that are not among those known, in words; NULL if there is none. A misspelled field is among them:
-- names that other systems give to our fields come first.
-- It pins no search_path, which would cost as much as the rest of it: what it names is found when it is made.
CREATE OR REPLACE FUNCTION staging._unknown_names(p_record json, p_known text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT 'the record has ' || string_agg(left(k.name, 60), ', ' ORDER BY k.is_odd, k.place)
    FROM (
        SELECT n.name, n.place, NOT staging._other_names('orders') ? staging._plain_name(n.name) AS is_odd
        FROM json_object_keys(CASE WHEN json_typeof(p_record) = 'object' THEN p_record ELSE '{}' END) WITH ORDINALITY AS n (name, place)
        WHERE n.name <> ALL ('{user,items}'::text[] || p_known)
        ORDER BY is_odd, n.place LIMIT 12
    ) AS k
);
COMMENT ON FUNCTION staging._unknown_names(json, text[]) IS 'The first names in a record that are not among those known';

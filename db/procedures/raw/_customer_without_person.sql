-- The `user` of somebody else's order that names an erased person: only what the warehouse reads of it is kept.
CREATE OR REPLACE FUNCTION raw._customer_without_person(p_customer json, p_pseudonym text) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_customer_without_person$
    SELECT json_strip_nulls(json_object_agg(k.field, k.value))
    FROM (SELECT 'user_id' AS field, to_json(p_pseudonym) AS value
          UNION ALL
          SELECT f.field, p_customer -> f.field FROM staging.fields f WHERE f.source = 'orders' AND f.place = 'customer') AS k;
$_customer_without_person$;
COMMENT ON FUNCTION raw._customer_without_person(json, text) IS 'What is kept of the user of somebody else''s order that names an erased person';

-- What is kept of a record of another form when its person is erased. Nobody knows where such a record tells of the person: so its
-- text goes as a whole, and what our own form needs of it stays, as _order_without_person and _extra_without_person would keep it.
-- Cleaning takes what stands in "(own form)" as it is. A record that no function could read stays one.
CREATE OR REPLACE FUNCTION raw._shaped_without_person(p_source text, p_mapped json, p_pseudonym text) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_shaped_without_person$
    SELECT json_build_object('(own form)', CASE
        WHEN coalesce(json_typeof(p_mapped) <> 'object', true) OR NOT staging._is_storable(p_mapped::text) THEN '"(erased)"'
        WHEN p_source = 'events' THEN
            (SELECT json_object_agg(k.key, k.value)
             FROM (SELECT e.key, e.value FROM json_each(raw._fields_kept(p_mapped, 'events', '{event}')) AS e WHERE e.key <> 'user_id'
                   UNION ALL SELECT 'user_id', to_json(p_pseudonym)) AS k)
        -- Lines of an order that is put together of rows say what each adds to its shipping and refunds.
        WHEN p_mapped #> '{items,0,shipping}' IS NOT NULL OR p_mapped #> '{items,0,refunded}' IS NOT NULL THEN
            (SELECT json_object_agg(o.key, CASE WHEN o.key = 'items' AND json_typeof(o.value) = 'array' THEN
                        (SELECT json_agg(CASE WHEN json_typeof(k.item) = 'object' THEN
                                    (SELECT json_object_agg(f.key, f.value)
                                     FROM (SELECT e.key, e.value FROM json_each(k.item) AS e WHERE e.key NOT IN ('shipping', 'refunded')
                                           UNION ALL
                                           SELECT a.name, raw._plain(i.item -> a.name) FROM unnest('{shipping,refunded}'::text[]) AS a (name)) AS f)
                                    ELSE k.item END ORDER BY k.place)
                         FROM json_array_elements(o.value) WITH ORDINALITY AS k (item, place)
                         JOIN json_array_elements(p_mapped -> 'items') WITH ORDINALITY AS i (item, place) ON i.place = k.place)
                        ELSE o.value END)
             FROM json_each(raw._order_without_person(p_mapped, p_pseudonym)) AS o)
        ELSE raw._order_without_person(p_mapped, p_pseudonym) END);
$_shaped_without_person$;
COMMENT ON FUNCTION raw._shaped_without_person(text, json, text) IS 'What is kept of a record of another form when its person is erased';

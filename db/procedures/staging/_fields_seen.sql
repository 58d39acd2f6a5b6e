-- The fields that a day's records have, and how many of them: [["orders field", "city", 97], …]. A field of user or of an item is
-- named with it, as in user.city. A field without a value is not seen.
--
-- Reads: raw: of each delivery the first 100 records (of more than ten deliveries ten, from the first to the last), so that it says the same in
--        whatever order they came. Rows of a delivery lie together: its first records are found without the rest, as a rule
CREATE OR REPLACE FUNCTION staging._fields_seen(p_delivery staging.delivery) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_fields_seen$
DECLARE
    c_records constant integer := 100;
    c_files   constant integer := 10;
    v_files   integer := cardinality(p_delivery.load_ids);
    v_source  raw.sources;
    v_ids     bigint[];
    v_result  jsonb;
BEGIN
    SELECT s.* INTO v_source FROM raw.sources s WHERE s.source = p_delivery.source;
    v_ids := CASE WHEN v_files <= c_files THEN p_delivery.load_ids
                  ELSE ARRAY(SELECT p_delivery.load_ids[1 + n * (v_files - 1) / (c_files - 1)] FROM generate_series(0, c_files - 1) AS n) END;
    SET LOCAL enable_seqscan TO off;  -- as in _clean_orders
    EXECUTE format($query$
        WITH records AS (
            SELECT r.record
            FROM unnest($2) AS l (load_id)
            CROSS JOIN LATERAL (
                -- The header of CSV is line 1.
                SELECT %1$s AS record FROM %2$s AS d
                WHERE d.run_date = $1 AND d.load_id = l.load_id AND d.line_number BETWEEN %3$s AND $3 - 1 + %3$s
                LIMIT $3
            ) AS r
        ),
        objects AS (
            SELECT r.record FROM records r WHERE json_typeof(r.record) = 'object' AND staging._is_storable(r.record::text)
        ),
        fields AS (
            SELECT DISTINCT o.number, f.name
            FROM (SELECT row_number() OVER () AS number, b.record FROM objects b) AS o
            CROSS JOIN json_each(o.record) AS m (name, value)
            CROSS JOIN LATERAL (
                SELECT m.name AS name, m.value AS value
                WHERE $4 <> 'orders' OR NOT (m.name = 'user' AND json_typeof(m.value) = 'object' OR m.name = 'items' AND json_typeof(m.value) = 'array')
                UNION ALL
                SELECT 'user.' || u.name, u.value
                FROM json_each(CASE WHEN $4 = 'orders' AND m.name = 'user' AND json_typeof(m.value) = 'object' THEN m.value END) AS u (name, value)
                UNION ALL
                SELECT 'items.' || i.name, i.value
                FROM json_array_elements(CASE WHEN $4 = 'orders' AND m.name = 'items' AND json_typeof(m.value) = 'array' THEN m.value END) AS e (item)
                CROSS JOIN LATERAL json_each(CASE WHEN json_typeof(e.item) = 'object' THEN e.item END) AS i (name, value)
            ) AS f
            WHERE json_typeof(f.value) <> 'null' AND f.value #>> '{}' <> ''
        )
        SELECT jsonb_agg(jsonb_build_array($4 || ' field', n.name, n.records))
        FROM (SELECT f.name, count(*) AS records FROM fields f GROUP BY f.name ORDER BY 2 DESC, f.name COLLATE "C" LIMIT 1000) AS n
        $query$,
        CASE WHEN v_source.source <> 'events' THEN 'd.raw_json'
             ELSE $$(jsonb_strip_nulls(jsonb_build_object('event_id', d.event_id, 'user_id', d.user_id, 'product_id', d.product_id, 'event_type', d.event_type, 'event_ts', d.event_ts))
                     || CASE WHEN staging._is_storable(d.extra::text) THEN coalesce(d.extra::jsonb, '{}') ELSE '{}' END)::json$$ END,
        v_source.raw_table, CASE v_source.source WHEN 'events' THEN 2 ELSE 1 END)
    INTO v_result USING p_delivery.load_date, v_ids, c_records, p_delivery.source;
    SET LOCAL enable_seqscan TO DEFAULT;
    RETURN coalesce(v_result, '[]');
END
$_fields_seen$;
COMMENT ON FUNCTION staging._fields_seen(staging.delivery) IS 'The fields that a day''s records have, and how many of them';

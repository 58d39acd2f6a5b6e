-- A query of the records of deliveries as a shape's function gets them: raw_id, load_id, line_number, record. $1 is the day, $2 are
-- the load_ids. The record of an event is an object of all columns of its row.
CREATE OR REPLACE FUNCTION staging._records_query(p_source text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_records_query$
    SELECT format('SELECT r.%I AS raw_id, r.load_id, r.line_number, %s AS record FROM %s r WHERE r.run_date = $1 AND r.load_id = ANY ($2)', s.raw_id,
        CASE WHEN p_source <> 'events' THEN 'r.raw_json' ELSE
            $columns$CASE WHEN r.extra::text LIKE '{"(own form)"%' THEN r.extra ELSE
                     (rtrim(json_strip_nulls(json_build_object('event_id', r.event_id, 'user_id', r.user_id, 'product_id', r.product_id,
                                                               'event_type', r.event_type, 'event_ts', r.event_ts))::text, '}')
                      || CASE WHEN r.extra IS NULL OR btrim(r.extra::text, E'{} \n\r\t') = '' THEN '}'
                              WHEN num_nonnulls(r.event_id, r.user_id, r.product_id, r.event_type, r.event_ts) = 0 THEN substr(ltrim(r.extra::text), 2)
                              ELSE ',' || substr(ltrim(r.extra::text), 2) END)::json END$columns$ END, s.raw_table)
    FROM (VALUES ('orders', 'raw_orders_id', 'raw.orders_json'), ('events', 'raw_events_id', 'raw.events_csv'),
                 ('products', 'raw_products_id', 'raw.products_json')) AS s (source, raw_id, raw_table)
    WHERE s.source = p_source;
$_records_query$;
COMMENT ON FUNCTION staging._records_query(text) IS 'A query of the records of deliveries as a shape''s function gets them';

-- What staging._map_records has made of the records of events, in the columns of raw.events_csv. A record that no text can hold
-- has none of them, and is rejected for that.
CREATE OR REPLACE FUNCTION staging._mapped_events()
RETURNS TABLE (raw_id bigint, load_id bigint, line_number integer, event_id text, user_id text, product_id text, event_type text, event_ts text, record json)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_mapped_events$
BEGIN
    RETURN QUERY
    SELECT m.raw_id, m.load_id, m.line_number, f.event_id, f.user_id, f.product_id, f.event_type, f.event_ts, m.record
    FROM pg_temp.mapped_records m
    CROSS JOIN LATERAL json_to_record(CASE WHEN m.record::text NOT LIKE '%\\u%' OR staging._is_storable(m.record::text) THEN m.record ELSE '{}' END)
        AS f (event_id text, user_id text, product_id text, event_type text, event_ts text)
    ORDER BY m.raw_id;
END
$_mapped_events$;
COMMENT ON FUNCTION staging._mapped_events() IS 'What staging._map_records has made of the records of events, in the columns of raw.events_csv';

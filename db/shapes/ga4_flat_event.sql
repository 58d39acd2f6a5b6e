-- An event of Google Analytics 4 with its parameters as columns, as people query them out of BigQuery into CSV.
CREATE OR REPLACE FUNCTION shapes.ga4_flat_event(record json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT json_build_object(
        'event_id', coalesce(nullif(e.event_id, ''), concat_ws('-', e.user_pseudo_id, e.event_timestamp, e.event_name, e.event_bundle_sequence_id)),
        'user_id', coalesce(nullif(e.user_id, ''), nullif(e.user_pseudo_id, '')), 'product_id', nullif(coalesce(e.item_id, e.product_id), ''),
        'event_type', e.event_name, 'event_ts', shapes.epoch_time(e.event_timestamp),
        'session_id', e.ga_session_id, 'page', e.page_location, 'platform', e.platform)
    FROM json_to_record(record) AS e (
        event_id text, user_pseudo_id text, user_id text, event_timestamp text, event_name text, event_bundle_sequence_id text,
        item_id text, product_id text, ga_session_id text, page_location text, platform text)
);
COMMENT ON FUNCTION shapes.ga4_flat_event(json) IS 'An event of Google Analytics 4 with its parameters as columns in our form';

-- An event of Google Analytics 4's export to BigQuery, a row as JSON: parameters in event_params, products in items.
--
-- The export has no id of an event: who, when, what and its place in the batch tell it apart. Times count microseconds.
CREATE OR REPLACE FUNCTION shapes.ga4_event(record json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT json_build_object(
        'event_id', coalesce(e.event_id, concat_ws('-', e.user_pseudo_id, e.event_timestamp, e.event_name, e.event_bundle_sequence_id,
                                                   e.batch_page_id, e.batch_ordering_id, e.batch_event_index)),
        'user_id', coalesce(nullif(e.user_id, ''), e.user_pseudo_id),
        'product_id', coalesce(e.items #>> '{0,item_id}', p.params ->> 'item_id'),
        'event_type', e.event_name, 'event_ts', shapes.epoch_time(e.event_timestamp),
        'session_id', p.params ->> 'ga_session_id', 'page', p.params ->> 'page_location', 'platform', e.platform,
        'country', e.geo ->> 'country', 'traffic_source', e.traffic_source ->> 'source')
    FROM json_to_record(record) AS e (
        event_id text, user_pseudo_id text, user_id text, event_timestamp text, event_name text, event_bundle_sequence_id text,
        batch_page_id text, batch_ordering_id text, batch_event_index text, platform text, items json, event_params json, geo json, traffic_source json)
    CROSS JOIN LATERAL (
        SELECT json_object_agg(v.key, coalesce(v.value ->> 'string_value', v.value ->> 'int_value', v.value ->> 'double_value', v.value ->> 'float_value')) AS params
        FROM json_to_recordset(e.event_params) AS v (key text, value json) WHERE v.key IS NOT NULL
    ) AS p
);
COMMENT ON FUNCTION shapes.ga4_event(json) IS 'An event of Google Analytics 4''s export to BigQuery in our form';

-- An event of Segment or RudderStack: a `track` call, or `page` and `screen`, as their files and webhooks have it.
--
-- Who has not logged in is known by an anonymousId. A track's name is its type: staging.codes knows those of their e-commerce
-- specification. A message that is no event (identify, group, alias) is none here, and is rejected.
CREATE OR REPLACE FUNCTION shapes.segment_event(record json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT json_build_object(
        'event_id', e."messageId", 'user_id', coalesce(nullif(e."userId", ''), e."anonymousId"),
        'product_id', coalesce(e.properties ->> 'product_id', e.properties #>> '{products,0,product_id}', e.properties ->> 'sku', e.properties #>> '{products,0,sku}'),
        'event_type', CASE e.type WHEN 'track' THEN e.event ELSE e.type END,
        'event_ts', coalesce(e.timestamp, e."originalTimestamp", e."sentAt", e."receivedAt"),
        'page', e.context #>> '{page,url}', 'campaign', e.context #>> '{campaign,name}')
    FROM json_to_record(record) AS e (
        "messageId" text, "userId" text, "anonymousId" text, type text, event text, timestamp text, "originalTimestamp" text, "sentAt" text,
        "receivedAt" text, properties json, context json)
    WHERE e.type IN ('track', 'page', 'screen')
);
COMMENT ON FUNCTION shapes.segment_event(json) IS 'An event of Segment or RudderStack in our form';

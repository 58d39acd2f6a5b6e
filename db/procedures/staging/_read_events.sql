-- The events delivered for a day: typed, and judged. Parameters, use, fences and look-ups are those of _read_orders. Read it
-- from the top: parsed (raw's fields, trimmed), events (codes and times looked up), explained (what is wrong).
--
-- Cheap tests judge what has the usual shape; _event_problems judges the rest.
CREATE OR REPLACE FUNCTION staging._read_events(
    p_load_date date, p_today text, p_other_day date, p_other text, p_from timestamptz, p_to timestamptz, p_load_ids bigint[], p_own staging.fields[], p_has_mapped boolean
)
RETURNS TABLE (
    staging_events_id bigint, load_date date, event_id text, user_id text, product_id text, event_type text, event_ts timestamptz,
    raw_events_id bigint, attributes jsonb, emptied text[]
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH parsed AS (
        SELECT e.raw_events_id, e.load_id, e.line_number AS record_number,
               staging._trimmed(e.event_id) AS event_id, staging._trimmed(e.user_id) AS user_id,
               staging._trimmed(e.product_id) AS product_id,
               e.event_ts AS event_time, convert_to(e.event_ts, 'UTF8') AS event_time_bytes,
               -- Nearly all are known as they are delivered: the rest is trimmed, and in lower case, before it is looked up.
               e.event_type, (SELECT jsonb_object_agg(c.source_value, c.canonical_value)
                              FROM staging.codes c WHERE c.kind = 'event_type') ->> e.event_type AS known_type,
               CASE WHEN p_own IS NOT NULL
                    THEN staging._own_values(p_own, '{event}', CASE WHEN staging._is_storable(e.extra::text) THEN e.extra END, NULL) END AS own,
               (SELECT staging._null_marks()) AS marks, (SELECT jsonb_object_agg(m.marker, true) FROM staging.null_markers m) AS markers,
               e.event_id AS raw_id, e.user_id AS raw_user, e.product_id AS raw_product, e.extra
        FROM (SELECT d.raw_events_id, d.load_id, d.line_number, d.event_id, d.user_id, d.product_id, d.event_type, d.event_ts, d.extra
              FROM raw.events_csv d
              WHERE d.run_date = p_load_date AND d.load_id = ANY (p_load_ids)
              UNION ALL
              SELECT m.raw_id, m.load_id, m.line_number, m.event_id, m.user_id, m.product_id, m.event_type, m.event_ts, m.record
              FROM staging._mapped_events() m WHERE p_has_mapped) AS e
        OFFSET '0'
    ),
    events AS (
        SELECT p.*,
               CASE WHEN p.known_type IS NULL THEN lower(staging._trimmed(p.event_type) COLLATE "C") COLLATE "default" END AS other_type,
               coalesce(staging._usual_time(p.event_time, p.event_time_bytes, p_load_date, p_today),
                        staging._usual_time(p.event_time, p.event_time_bytes, p_other_day, p_other),
                        staging._said_time(p.event_time)) AS event_ts
        FROM parsed p
        OFFSET '0'
    ),
    explained AS (
        SELECT e.*,
               CASE WHEN coalesce(
                        octet_length(e.event_id) <= 512 AND staging._unless_null(e.event_id, e.marks, e.markers) IS NOT NULL AND (e.known_type IS NOT NULL OR e.other_type IS NOT NULL)
                        AND coalesce(octet_length(e.user_id) <= 512, true) AND coalesce(octet_length(e.product_id) <= 512, true)
                        AND e.event_ts >= p_from AND e.event_ts < p_to
                        AND (p_own IS NULL OR (e.own).problems IS NULL), false)
                    THEN NULL
                    ELSE nullif(staging._event_problems(e.event_id, e.user_id, e.product_id, coalesce(e.known_type, e.other_type),
                                                        staging._trimmed(e.event_time), e.event_ts, p_from, p_to)
                                || CASE WHEN staging._unless_null(e.event_id, e.marks, e.markers) IS NULL AND e.event_id IS NOT NULL
                                        THEN ARRAY[staging._problem(true, 'event_id is missing: its value is a null marker', e.event_id)] END
                                || (e.own).problems, '{}')
               END AS problems
        FROM events e
        OFFSET '0'
    )
    SELECT x.raw_events_id, CASE WHEN x.problems IS NULL THEN p_load_date END,
           CASE WHEN x.problems IS NULL THEN x.event_id WHEN octet_length(x.event_id) <= 512 THEN staging._unless_null(x.event_id, x.marks, x.markers) END COLLATE "C",
           staging._unless_null(x.user_id, x.marks, x.markers) COLLATE "C", staging._unless_null(x.product_id, x.marks, x.markers) COLLATE "C",
           CASE WHEN x.known_type IS NOT NULL THEN x.known_type
                ELSE coalesce((SELECT jsonb_object_agg(c.source_value, c.canonical_value) FROM staging.codes c WHERE c.kind = 'event_type')
                              ->> x.other_type, x.other_type) END,
           x.event_ts, x.raw_events_id, 
           CASE WHEN x.problems IS NOT NULL
                THEN jsonb_build_object('load_id', x.load_id, 'record_number', x.record_number, 'problems', x.problems, 'is_item', false,
                                        'raw_data', left(concat_ws(',', '"event_id"=' || x.raw_id, '"event_type"=' || x.event_type,
                                                                   '"event_ts"=' || x.event_time, '"user_id"=' || x.raw_user,
                                                                   '"product_id"=' || x.raw_product, x.extra::text), 65536))
                WHEN p_own IS NOT NULL THEN (x.own).attributes END,
           CASE WHEN p_own IS NOT NULL THEN (x.own).emptied END
    FROM explained x;
END;
COMMENT ON FUNCTION staging._read_events(date, text, date, text, timestamptz, timestamptz, bigint[], staging.fields[], boolean) IS 'The events delivered for a day: typed, and judged';

-- The events delivered for a day: typed, and judged. What is of the usual shape is judged by cheap tests; all else by
-- _event_problems. Parameters and use are those of _read_orders; codes are looked up as there.
CREATE OR REPLACE FUNCTION staging._read_events(
    p_load_date date, p_today text, p_oldest date, p_load_ids bigint[], p_records bigint[]
)
RETURNS TABLE (
    raw_events_id bigint, load_id bigint, record_number integer, event_id text, user_id text, product_id text,
    event_type text, event_ts timestamptz, problems staging.problem[], raw_data text
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT p.raw_events_id, p.load_id, p.line_number,
           CASE WHEN octet_length(p.event_id) <= 512 THEN p.event_id END COLLATE "C",
           p.user_id COLLATE "C", p.product_id COLLATE "C",
           coalesce((SELECT jsonb_object_agg(c.source_value, c.canonical_value) FROM staging.codes c WHERE c.kind = 'event_type')
                    ->> p.code, p.code),
           p.event_ts,
           CASE WHEN coalesce(
                    octet_length(p.event_id) <= 512 AND p.event_type IS NOT NULL
                    AND coalesce(octet_length(p.user_id) <= 512, true) AND coalesce(octet_length(p.product_id) <= 512, true)
                    AND p.event_ts >= p_oldest::timestamp AT TIME ZONE 'UTC'
                    AND p.event_ts < (p_load_date + 1)::timestamp AT TIME ZONE 'UTC', false)
                THEN NULL
                ELSE staging._event_problems(p.event_id, p.user_id, p.product_id, p.event_type, p.event_time, p_oldest, p_load_date)
           END,
           p.raw_data
    FROM (
        SELECT v.*, lower(v.event_type COLLATE "C") COLLATE "default" AS code,
               staging._to_timestamptz(v.event_time, p_today) AS event_ts
        FROM (
            SELECT e.raw_events_id, e.load_id, e.line_number,
                   staging._trimmed(e.event_id) AS event_id, staging._trimmed(e.user_id) AS user_id,
                   staging._trimmed(e.product_id) AS product_id, staging._trimmed(e.event_type) AS event_type,
                   staging._trimmed(e.event_ts) AS event_time,
                   CASE WHEN p_records IS NOT NULL THEN
                       left(concat_ws(',', '"event_id"=' || e.event_id, '"event_type"=' || e.event_type, '"event_ts"=' || e.event_ts,
                                      '"user_id"=' || e.user_id, '"product_id"=' || e.product_id, e.extra::text), 65536)
                   END AS raw_data
            FROM raw.events_csv e
            WHERE e.run_date = p_load_date AND e.load_id = ANY (p_load_ids)
              -- No condition for an index: BRIN would compare each range of pages with each of the records.
              AND (p_records IS NULL OR e.raw_events_id + 0 = ANY (p_records))
            -- A fence: what stands above is computed once per row, not once per use. As a bigint it lets both cores work.
            OFFSET '0'
        ) AS v
        OFFSET '0'
    ) AS p;
END;
COMMENT ON FUNCTION staging._read_events(date, text, date, bigint[], bigint[]) IS 'The events delivered for a day: typed, and judged';

-- Worker of clean_events: the events delivered for a day, typed.
--
-- Reads:  raw.events_csv and raw.rejected_lines of the deliveries in force, staging.codes, audit.settings
-- Writes: staging.events_clean of the day, staging.loads, audit.bad_records
-- Locks:  the step's advisory lock on the day, until the transaction ends
-- Errors: WH007 the raw of the day is gone, WH012 raw does not hold what its deliveries say
-- Safe to repeat: the result is a function of raw, codes and settings; an event that did not change stays as it is.
CREATE OR REPLACE FUNCTION staging._clean_events(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD' SET jit = off SET enable_nestloop = off
AS $_clean_events$
DECLARE
    v_delivery  staging.delivery := staging._begin_cleaning('events', p_load_date);
    v_oldest    date := staging.oldest_date(p_load_date);
    v_lines     bigint;
    v_duplicate bigint;
    v_rejected  bigint;
    v_changed   bigint;
    v_result    audit.step_result;
BEGIN
    CREATE TEMPORARY TABLE event_lines ON COMMIT DROP AS
    SELECT p.raw_events_id, p.load_id, p.record_number, p.report,
           CASE WHEN octet_length(p.event_id) <= 512 THEN p.event_id END COLLATE "C" AS event_id,
           p.user_id COLLATE "C" AS user_id, p.product_id COLLATE "C" AS product_id,
           coalesce(p.canonical_type, lower(p.event_type COLLATE "C") COLLATE "default") AS event_type, p.event_ts,
           CASE WHEN coalesce(
                    octet_length(p.event_id) <= 512 AND p.event_type IS NOT NULL
                    AND coalesce(octet_length(p.user_id) <= 512, true) AND coalesce(octet_length(p.product_id) <= 512, true)
                    AND (p.event_ts AT TIME ZONE 'UTC')::date BETWEEN v_oldest AND p_load_date, false)
                THEN NULL
                ELSE staging._event_problems(p.event_id, p.user_id, p.product_id, p.event_type, p.event_time, v_oldest, p_load_date)
           END AS problems
    FROM (
        SELECT v.*, staging._to_timestamptz(v.event_time) AS event_ts, c.canonical_value AS canonical_type
        FROM (
            SELECT e.raw_events_id, e.load_id, e.line_number AS record_number,
                   -- Which report of the day it is: by the bytes of the file's name, then by place.
                   array_position(v_delivery.load_ids, e.load_id)::bigint << 32 | e.line_number AS report,
                   staging._trimmed(e.event_id) AS event_id, staging._trimmed(e.user_id) AS user_id,
                   staging._trimmed(e.product_id) AS product_id, staging._trimmed(e.event_type) AS event_type,
                   staging._trimmed(e.event_ts) AS event_time
            FROM raw.events_csv e
            WHERE e.run_date = p_load_date AND e.load_id = ANY (v_delivery.load_ids)
            -- A fence: what stands above is computed once per row, not once per use. As a bigint it lets both cores work.
            OFFSET '0'
        ) AS v
        LEFT JOIN staging.codes c ON c.kind = 'event_type' AND c.source_value = lower(v.event_type COLLATE "C")
        OFFSET '0'
    ) AS p;
    GET DIAGNOSTICS v_lines = ROW_COUNT;
    ANALYZE pg_temp.event_lines;
    PERFORM staging._check_raw_count(v_delivery, v_lines);

    -- The last report of an event wins. An event is (event_id, event_ts).
    DELETE FROM pg_temp.event_lines l
    USING (
        SELECT r.event_id, r.event_ts, max(r.report) AS last_report
        FROM pg_temp.event_lines r
        WHERE r.event_id IS NOT NULL AND r.event_ts IS NOT NULL
        GROUP BY r.event_id, r.event_ts
        HAVING count(*) > 1
    ) AS repeated
    WHERE l.event_id = repeated.event_id AND l.event_ts = repeated.event_ts AND l.report < repeated.last_report;
    GET DIAGNOSTICS v_duplicate = ROW_COUNT;

    CREATE TEMPORARY TABLE bad_rows ON COMMIT DROP AS
    SELECT l.load_id, l.raw_events_id AS raw_id, NULL::integer AS item_number, l.event_id AS record_id,
           l.record_number AS line_number, l.problems,
           left(concat_ws(',', '"event_id"=' || e.event_id, '"event_type"=' || e.event_type, '"event_ts"=' || e.event_ts,
                          '"user_id"=' || e.user_id, '"product_id"=' || e.product_id, e.extra::text), 65536) AS raw_data
    FROM pg_temp.event_lines l
    JOIN raw.events_csv e ON e.raw_events_id = l.raw_events_id AND e.run_date = p_load_date AND e.load_id = l.load_id
    WHERE l.problems IS NOT NULL;
    v_rejected := audit._record_bad_records(v_delivery);

    v_changed := warehouse._publish_day(
        'staging.events_clean', p_load_date,
        format('SELECT l.raw_events_id AS staging_events_id, %L::date AS load_date, l.event_id, l.user_id, l.product_id,
                       l.event_type, l.event_ts, l.raw_events_id, now() AS created_at, now() AS updated_at
                FROM pg_temp.event_lines l WHERE l.problems IS NULL', p_load_date),
        ARRAY['event_id', 'event_ts'], ARRAY['staging_events_id', 'raw_events_id', 'created_at', 'updated_at']);

    v_result := staging._finish_cleaning(v_delivery, v_lines, v_duplicate, v_rejected, v_changed);
    DROP TABLE pg_temp.event_lines, pg_temp.bad_rows;
    RETURN v_result;
END
$_clean_events$;
COMMENT ON FUNCTION staging._clean_events(date) IS 'Worker of clean_events: the events delivered for a day, typed';

-- Everything that is wrong with an event; NULL if nothing is. The values are trimmed.
CREATE OR REPLACE FUNCTION staging._event_problems(
    p_event_id text, p_user_id text, p_product_id text, p_event_type text, p_event_ts text, p_oldest date, p_load_date date
) RETURNS staging.problem[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC'
SET plan_cache_mode = force_generic_plan  -- planned once, not once per row
AS $_event_problems$
BEGIN
    RETURN (
    SELECT array_agg(ROW(p.reason, left(p.value, 1000))::staging.problem ORDER BY p.place)
    FROM (VALUES
        (1, p_event_id IS NULL, 'event_id is missing', NULL),
        (2, octet_length(p_event_id) > 512, 'event_id is longer than 512 bytes', p_event_id),
        (3, p_event_type IS NULL, 'event_type is missing', NULL),
        (4, p_event_ts IS NULL, 'event_ts is missing', NULL),
        (5, p_event_ts IS NOT NULL AND staging._to_timestamptz(p_event_ts) IS NULL, 'event_ts is not an ISO 8601 time', p_event_ts),
        (6, (staging._to_timestamptz(p_event_ts) AT TIME ZONE 'UTC')::date > p_load_date,
            'event_ts is after the day of the delivery', p_event_ts),
        (7, (staging._to_timestamptz(p_event_ts) AT TIME ZONE 'UTC')::date < p_oldest,
            'event_ts is older than oldest_order_days', p_event_ts),
        (8, octet_length(p_user_id) > 512, 'user_id is longer than 512 bytes', p_user_id),
        (9, octet_length(p_product_id) > 512, 'product_id is longer than 512 bytes', p_product_id)
    ) AS p (place, is_wrong, reason, value)
    WHERE p.is_wrong);
END
$_event_problems$;
COMMENT ON FUNCTION staging._event_problems(text, text, text, text, text, date, date)
    IS 'Everything that is wrong with an event; NULL if nothing is';

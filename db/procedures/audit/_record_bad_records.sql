-- Writes what was rejected of a source and day to audit.bad_records: pg_temp.bad_rows, and refused records and files.
--
-- Reads:   pg_temp.bad_rows (load_id, raw_id, item_number, record_id, line_number, problems, raw_data, is_item), a row per line,
--          raw.rejected_lines, raw.file_loads, raw.orders_json; the settings bad_lines_per_record, bad_records_times_bytes
-- Writes:  audit.bad_records; a row that is already there stays as it is
-- Returns: rejected lines of the day
-- The planner's statistics of audit.bad_records do not know a new day; without nested loops, a wrong estimate costs little.
--
-- The size of the delivery limits what is kept. Each line has a row of its own, with two exceptions: a record's lines beyond
-- bad_lines_per_record, and a delivery's lines beyond bad_records_times_bytes. There the first row stands for all the rest:
-- it has their line_count and all their reasons. Both limits go by position, so a rerun gives the same rows.
CREATE OR REPLACE FUNCTION audit._record_bad_records(p_delivery staging.delivery) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET enable_nestloop = off
AS $_record_bad_records$
DECLARE
    c_row_bytes    constant integer := 150;    -- a row of audit.bad_records without its texts, and its index entries
    c_free_bytes   constant integer := 16384;  -- each delivery may use this much more: a small one is written out whole
    c_whole_record constant integer := 8192;   -- a larger order is shown item by item
    v_source_table text := CASE p_delivery.source WHEN 'orders' THEN 'raw.orders_json'
                                                  WHEN 'events' THEN 'raw.events_csv' ELSE 'raw.products_json' END;
    v_most         integer := coalesce(audit._setting('bad_lines_per_record'), 2147483646);
    v_times        integer := audit._setting('bad_records_times_bytes');
    v_rejected     bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_temp.bad_rows)
       AND NOT EXISTS (SELECT FROM raw.rejected_lines r WHERE r.run_date = p_delivery.load_date AND r.load_id = ANY (p_delivery.load_ids))
       AND NOT EXISTS (SELECT FROM raw._deliveries_in_force(p_delivery.source, p_delivery.load_date) d WHERE d.refused_reason IS NOT NULL) THEN
        DELETE FROM audit.bad_records b WHERE b.run_date = p_delivery.load_date AND b.source_table = v_source_table;
        RETURN 0;
    END IF;
    CREATE TEMPORARY TABLE bad_lines ON COMMIT DROP AS
    WITH lines AS (
        SELECT b.load_id, b.raw_id, b.item_number, b.record_id, b.line_number, b.problems, b.raw_data, b.is_item
        FROM pg_temp.bad_rows b
        UNION ALL
        SELECT r.load_id, NULL, NULL, NULL, r.line_number, ARRAY[ROW(r.reason, NULL)::staging.problem],
               left(encode(r.raw_line, 'escape'), 65536), false
        FROM raw.rejected_lines r
        WHERE r.run_date = p_delivery.load_date AND r.load_id = ANY (p_delivery.load_ids)
        UNION ALL
        SELECT d.load_id, NULL, NULL, NULL, NULL, ARRAY[ROW(d.refused_reason, NULL)::staging.problem], NULL, false
        FROM raw._deliveries_in_force(p_delivery.source, p_delivery.load_date) d
        WHERE d.refused_reason IS NOT NULL
    ),
    placed AS (
        SELECT l.*, f.file_name, f.byte_count,
               row_number() OVER (PARTITION BY l.load_id, l.line_number, l.raw_id ORDER BY l.item_number) AS place,
               row_number() OVER (PARTITION BY l.load_id ORDER BY l.line_number, l.raw_id, l.item_number) AS number
        FROM lines l
        JOIN raw.file_loads f ON f.load_id = l.load_id
    ),
    sized AS (
        SELECT p.*,
               sum(CASE WHEN p.place - 1 <= v_most
                        THEN c_row_bytes + octet_length(p.file_name) + coalesce(octet_length(p.record_id), 0) + coalesce(octet_length(p.raw_data), 0)
                             + CASE cardinality(p.problems)
                                   WHEN 1 THEN octet_length(p.problems[1].reason) + coalesce(octet_length(p.problems[1].value), 0)
                                   -- If there are several reasons, the row has them twice: once with their values.
                                   ELSE (SELECT sum(octet_length(concat(u.reason, u.value, u.reason))) FROM unnest(p.problems) AS u) END END)
               OVER (PARTITION BY p.load_id ORDER BY p.line_number, p.raw_id, p.item_number ROWS UNBOUNDED PRECEDING)
               > v_times * (p.byte_count + c_free_bytes) AS is_beyond
        FROM placed p
    )
    -- leader: the line that stands for this one; 0 and -1 for the rest of the delivery, with and without a raw row.
    SELECT s.load_id, s.raw_id, s.item_number, s.record_id, s.file_name, s.line_number, s.problems, s.raw_data, s.is_item, s.place, s.number,
           CASE WHEN s.is_beyond THEN CASE WHEN s.raw_id IS NULL THEN -1 ELSE 0 END
                ELSE s.number - greatest(s.place - 1 - v_most, 0) END AS leader
    FROM sized s;
    GET DIAGNOSTICS v_rejected = ROW_COUNT;
    ANALYZE pg_temp.bad_lines (load_id, leader, number);

    CREATE TEMPORARY TABLE kept_records ON COMMIT DROP AS
    -- Nearly every line has one reason and stands for itself: the others are sorted out.
    WITH entangled AS (
        SELECT DISTINCT b.load_id, b.leader FROM pg_temp.bad_lines b WHERE b.leader <> b.number OR cardinality(b.problems) <> 1
    ),
    reasons AS (
        SELECT r.load_id, r.leader, r.reason, r.value, r.first_seen,
               row_number() OVER (PARTITION BY r.load_id, r.leader ORDER BY r.first_seen) AS rank
        FROM (SELECT e.load_id, e.leader, (e.problem).reason, min(ARRAY[e.number, e.place]) AS first_seen,
                     (array_agg((e.problem).value ORDER BY e.number, e.place))[1] AS value
              FROM (SELECT b.load_id, b.leader, b.number, unnest(b.problems) AS problem, generate_subscripts(b.problems, 1) AS place
                    FROM pg_temp.bad_lines b JOIN entangled USING (load_id, leader)) AS e
              GROUP BY e.load_id, e.leader, (e.problem).reason) AS r
    ),
    told AS (
        SELECT r.load_id, r.leader,
               concat(string_agg(r.reason, '; ' ORDER BY r.rank) FILTER (WHERE r.rank <= v_most + 1::bigint),
                      '; and ' || nullif(count(*) FILTER (WHERE r.rank > v_most + 1::bigint), 0) || ' more reasons') AS failure_reason,
               CASE WHEN count(*) > 1 THEN jsonb_object_agg(r.reason, r.value) FILTER (WHERE r.rank <= v_most + 1::bigint) END AS failed_values
        FROM reasons r
        GROUP BY r.load_id, r.leader
    ),
    counted AS (
        SELECT b.load_id, b.leader, min(b.number) AS number, count(*) AS line_count
        FROM pg_temp.bad_lines b
        JOIN entangled USING (load_id, leader)
        GROUP BY b.load_id, b.leader
    )
    SELECT b.load_id, b.raw_id, b.item_number, b.record_id, b.file_name, b.line_number,
           coalesce(t.failure_reason, b.problems[1].reason) AS failure_reason, b.problems[1].value AS failed_value, t.failed_values,
           b.raw_data, b.is_item, coalesce(c.line_count, 1) AS line_count, b.place
    FROM pg_temp.bad_lines b
    LEFT JOIN counted c ON c.load_id = b.load_id AND c.leader = b.leader
    LEFT JOIN told t ON t.load_id = b.load_id AND t.leader = b.leader
    WHERE c.number IS NULL OR c.number = b.number;
    ANALYZE pg_temp.kept_records (load_id, raw_id, item_number, line_number);
    DROP TABLE pg_temp.bad_lines;

    IF EXISTS (SELECT FROM pg_temp.kept_records b WHERE b.is_item AND b.place = 1) THEN
        -- An order has one text, however many of its lines are rejected. In the flat shape its line has it.
        SET LOCAL enable_seqscan TO off;  -- as in _clean_orders
        UPDATE pg_temp.kept_records b
        SET raw_data = o.raw_json::text
        FROM raw.orders_json o
        WHERE o.run_date = p_delivery.load_date AND o.load_id = ANY (p_delivery.load_ids)
          AND o.raw_orders_id = b.raw_id AND b.is_item AND b.place = 1 AND octet_length(o.raw_json::text) <= c_whole_record;
        SET LOCAL enable_seqscan TO DEFAULT;
    END IF;

    DELETE FROM audit.bad_records b
    WHERE b.run_date = p_delivery.load_date AND b.source_table = v_source_table
      AND NOT EXISTS (
          SELECT FROM pg_temp.kept_records n
          WHERE n.load_id = b.load_id AND n.failure_reason = b.failure_reason AND n.line_count = b.line_count
            AND coalesce(n.raw_id, 0) = coalesce(b.raw_id, 0) AND coalesce(n.item_number, 0) = coalesce(b.item_number, 0)
            AND coalesce(n.line_number, 0) = coalesce(b.line_number, 0));

    INSERT INTO audit.bad_records (run_date, source_table, load_id, raw_id, item_number, record_id, file_name, line_number,
                                   failure_reason, failed_value, raw_data, line_count, failed_values)
    SELECT p_delivery.load_date, v_source_table, n.load_id, n.raw_id, n.item_number, n.record_id, n.file_name,
           n.line_number, n.failure_reason, n.failed_value, n.raw_data, n.line_count, n.failed_values
    FROM pg_temp.kept_records n
    WHERE NOT EXISTS (
          SELECT FROM audit.bad_records b
          WHERE b.run_date = p_delivery.load_date AND b.source_table = v_source_table AND b.load_id = n.load_id
            AND coalesce(n.raw_id, 0) = coalesce(b.raw_id, 0) AND coalesce(n.item_number, 0) = coalesce(b.item_number, 0)
            AND coalesce(n.line_number, 0) = coalesce(b.line_number, 0))
    ORDER BY n.load_id, n.line_number, n.item_number;

    DROP TABLE pg_temp.kept_records;
    RETURN v_rejected;
END
$_record_bad_records$;
COMMENT ON FUNCTION audit._record_bad_records(staging.delivery) IS 'Writes what was rejected of a source and day to audit.bad_records';

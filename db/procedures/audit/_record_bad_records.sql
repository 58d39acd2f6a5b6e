-- Makes audit.bad_records of a source and day what pg_temp.bad_rows and the refused records and files say.
--
-- Reads:   pg_temp.bad_rows (load_id, raw_id, item_number, record_id, line_number, problems, raw_data),
--          raw.rejected_lines, raw.file_loads
-- Writes:  audit.bad_records; a row that is there already stays as it is
-- Returns: rejected lines of the day
-- Statistics of audit.bad_records do not know a new day: without nested loops a wrong estimate costs little.
CREATE OR REPLACE FUNCTION audit._record_bad_records(p_delivery staging.delivery) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET enable_nestloop = off
AS $_record_bad_records$
DECLARE
    v_source_table text := CASE p_delivery.source WHEN 'orders' THEN 'raw.orders_json'
                                                  WHEN 'events' THEN 'raw.events_csv' ELSE 'raw.products_json' END;
    v_rejected     bigint;
BEGIN
    CREATE TEMPORARY TABLE bad_records ON COMMIT DROP AS
    SELECT b.load_id, b.raw_id, b.item_number, b.record_id, l.file_name, b.line_number,
           (SELECT string_agg(p.reason, '; ' ORDER BY p.place) FROM unnest(b.problems) WITH ORDINALITY AS p (reason, value, place)) AS failure_reason,
           (b.problems[1]).value AS failed_value, b.raw_data,
           CASE WHEN cardinality(b.problems) > 1
                THEN (SELECT jsonb_object_agg(p.reason, p.value) FROM unnest(b.problems) AS p (reason, value)) END AS failed_values
    FROM pg_temp.bad_rows b
    JOIN raw.file_loads l ON l.load_id = b.load_id
    UNION ALL
    SELECT r.load_id, NULL, NULL, NULL, l.file_name, r.line_number, r.reason, NULL, encode(r.raw_line, 'escape'), NULL
    FROM raw.rejected_lines r
    JOIN raw.file_loads l ON l.load_id = r.load_id
    WHERE r.run_date = p_delivery.load_date AND r.load_id = ANY (p_delivery.load_ids)
    UNION ALL
    SELECT d.load_id, NULL, NULL, NULL, d.file_name, NULL, d.refused_reason, NULL, NULL, NULL
    FROM raw._deliveries_in_force(p_delivery.source, p_delivery.load_date) d
    WHERE d.refused_reason IS NOT NULL;
    GET DIAGNOSTICS v_rejected = ROW_COUNT;
    ANALYZE pg_temp.bad_records;

    DELETE FROM audit.bad_records b
    WHERE b.run_date = p_delivery.load_date AND b.source_table = v_source_table
      AND NOT EXISTS (
          SELECT FROM pg_temp.bad_records n
          WHERE n.load_id = b.load_id AND n.failure_reason = b.failure_reason
            AND coalesce(n.raw_id, 0) = coalesce(b.raw_id, 0) AND coalesce(n.item_number, 0) = coalesce(b.item_number, 0)
            AND coalesce(n.line_number, 0) = coalesce(b.line_number, 0));

    INSERT INTO audit.bad_records (run_date, source_table, load_id, raw_id, item_number, record_id, file_name, line_number,
                                   failure_reason, failed_value, raw_data, failed_values)
    SELECT p_delivery.load_date, v_source_table, n.load_id, n.raw_id, n.item_number, n.record_id, n.file_name,
           n.line_number, n.failure_reason, n.failed_value, n.raw_data, n.failed_values
    FROM pg_temp.bad_records n
    WHERE NOT EXISTS (
          SELECT FROM audit.bad_records b
          WHERE b.run_date = p_delivery.load_date AND b.source_table = v_source_table AND b.load_id = n.load_id
            AND coalesce(n.raw_id, 0) = coalesce(b.raw_id, 0) AND coalesce(n.item_number, 0) = coalesce(b.item_number, 0)
            AND coalesce(n.line_number, 0) = coalesce(b.line_number, 0))
    ORDER BY n.load_id, n.line_number, n.item_number;

    DROP TABLE pg_temp.bad_records;
    RETURN v_rejected;
END
$_record_bad_records$;
COMMENT ON FUNCTION audit._record_bad_records(staging.delivery) IS 'Makes audit.bad_records of a source and day what was rejected of it';

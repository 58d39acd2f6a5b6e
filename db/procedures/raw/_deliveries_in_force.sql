-- The deliveries in force of a source and day: for each file name the last one that was taken, else the last one refused.
--
-- Returns: load_id, file_name, row_count, rejected_count, refused_reason, is_gone (retention dropped its rows)
-- Reads:   raw.file_loads, raw.dropped_months
CREATE OR REPLACE FUNCTION raw._deliveries_in_force(p_source text, p_run_date date)
RETURNS TABLE (load_id bigint, file_name text, row_count bigint, rejected_count bigint, refused_reason text, is_gone boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_deliveries_in_force$
    SELECT DISTINCT ON (l.file_name COLLATE "C")
           l.load_id, l.file_name, l.row_count, l.rejected_count, l.refused_reason,
           EXISTS (SELECT FROM raw.dropped_months d
                   WHERE d.run_month = date_trunc('month', l.run_date::timestamp)::date AND l.load_id <= d.last_load_id)
           AND l.row_count + l.rejected_count > 0
    FROM raw.file_loads l
    WHERE l.source = p_source AND l.run_date = p_run_date
      -- A catalogue that was delivered as a file wins over what the API said that day, whichever came first.
      AND NOT (l.source = 'products' AND l.file_name = 'api.json' AND EXISTS (
              SELECT FROM raw.file_loads f
              WHERE f.source = 'products' AND f.run_date = p_run_date AND f.file_name <> 'api.json' AND f.refused_reason IS NULL))
    ORDER BY l.file_name COLLATE "C", l.refused_reason IS NULL DESC, l.load_id DESC;
$_deliveries_in_force$;
COMMENT ON FUNCTION raw._deliveries_in_force(text, date) IS 'For each file name the last delivery that was taken, else the last one refused';

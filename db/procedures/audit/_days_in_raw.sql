-- The days of a range for which raw holds a delivery, in order.
--
-- Reads: raw.file_loads
CREATE OR REPLACE FUNCTION audit._days_in_raw(p_from date, p_to date) RETURNS date[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_days_in_raw$
    SELECT coalesce(array_agg(DISTINCT l.run_date ORDER BY l.run_date), '{}')
    FROM raw.file_loads l
    WHERE l.run_date BETWEEN p_from AND p_to;
$_days_in_raw$;
COMMENT ON FUNCTION audit._days_in_raw(date, date) IS 'The days of a range for which raw holds a delivery, in order';

-- Deliveries that may hold a report of an order: those of the days that know the order, and those that cleaning has not
-- read yet. If no day knows the order, also those that a later delivery replaced.
CREATE OR REPLACE FUNCTION audit._deliveries_to_search(p_days date[], p_most integer)
RETURNS TABLE (load_id bigint, run_date date, found bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_deliveries_to_search$
    SELECT l.load_id, l.run_date, count(*) OVER ()
    FROM raw.file_loads l
    LEFT JOIN staging.loads s ON s.source = l.source AND s.load_date = l.run_date
    WHERE l.source = 'orders' AND l.row_count > 0
      AND (l.run_date = ANY (p_days) OR s.load_date IS NULL OR l.load_id > ALL (s.load_ids)
           OR (p_days = '{}' AND l.load_id <> ALL (s.load_ids)))
    ORDER BY l.run_date = ANY (p_days) DESC, l.load_id DESC
    LIMIT p_most;
$_deliveries_to_search$;
COMMENT ON FUNCTION audit._deliveries_to_search(date[], integer) IS 'Deliveries that may hold a report of an order, up to a limit';

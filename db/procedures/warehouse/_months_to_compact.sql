-- The closed months that still have day partitions, oldest first.
CREATE OR REPLACE FUNCTION warehouse._months_to_compact(p_before date) RETURNS TABLE (parent regclass, month date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_months_to_compact$
    SELECT DISTINCT p.parent, date_trunc('month', p.from_date::timestamp)::date AS month
    FROM warehouse._partitions() p
    WHERE p.grain = 'day' AND (date_trunc('month', p.from_date::timestamp) + interval '1 month')::date <= p_before
    ORDER BY 2, 1;
$_months_to_compact$;
COMMENT ON FUNCTION warehouse._months_to_compact(date) IS 'The closed months that still have day partitions, oldest first';

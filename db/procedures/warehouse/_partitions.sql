-- The partitions of staging, facts and raw, with the dates that they hold, which their names tell.
CREATE OR REPLACE FUNCTION warehouse._partitions()
RETURNS TABLE (parent regclass, partition regclass, grain text, from_date date, to_date date)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_partitions$
    SELECT h.inhparent::regclass, h.inhrelid::regclass, g.grain, g.from_date,
           CASE g.grain WHEN 'day' THEN g.from_date + 1 ELSE (g.from_date + interval '1 month')::date END
    FROM pg_inherits h
    JOIN pg_class p ON p.oid = h.inhparent AND p.relkind = 'p'
    JOIN pg_namespace n ON n.oid = p.relnamespace AND n.nspname IN ('raw', 'staging', 'warehouse')
    JOIN pg_class c ON c.oid = h.inhrelid
    CROSS JOIN LATERAL (SELECT substring(c.relname FROM '_p_([0-9]{4}_[0-9]{2}(_[0-9]{2})?)$') AS suffix) AS s
    CROSS JOIN LATERAL (
        SELECT CASE length(s.suffix) WHEN 10 THEN 'day' ELSE 'month' END AS grain,
               to_date(s.suffix || CASE length(s.suffix) WHEN 10 THEN '' ELSE '_01' END, 'YYYY_MM_DD') AS from_date
    ) AS g
    WHERE s.suffix IS NOT NULL;
$_partitions$;
COMMENT ON FUNCTION warehouse._partitions() IS 'The partitions of staging, facts and raw, with the dates that they hold';

-- The partitions that retention drops: of raw and staging, ended longer ago than the settings keep.
CREATE OR REPLACE FUNCTION warehouse._expired_partitions(p_before date) RETURNS TABLE (parent regclass, partition regclass)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_expired_partitions$
    SELECT p.parent, p.partition
    FROM warehouse._partitions() p
    JOIN pg_class c ON c.oid = p.parent
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE p.to_date <= p_before - CASE n.nspname WHEN 'raw' THEN audit._setting('raw_keep_days')
                                                 WHEN 'staging' THEN audit._setting('staging_keep_days') END
    ORDER BY p.from_date, 1;
$_expired_partitions$;
COMMENT ON FUNCTION warehouse._expired_partitions(date) IS 'The partitions that retention drops';

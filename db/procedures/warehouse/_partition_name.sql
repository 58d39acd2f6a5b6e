-- The qualified name of a day's or month's partition: warehouse.fact_orders_p_2025_12_19.
CREATE OR REPLACE FUNCTION warehouse._partition_name(p_parent regclass, p_load_date date, p_grain text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_partition_name$
BEGIN
    RETURN (SELECT format('%s.%I', c.relnamespace::regnamespace, c.relname || '_p_'
                          || to_char(p_load_date, CASE p_grain WHEN 'day' THEN 'YYYY_MM_DD' ELSE 'YYYY_MM' END))
            FROM pg_class c WHERE c.oid = p_parent);
END
$_partition_name$;
COMMENT ON FUNCTION warehouse._partition_name(regclass, date, text) IS 'The qualified name of a day''s or month''s partition';

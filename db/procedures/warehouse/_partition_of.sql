-- The partition that holds a day of staging or facts: its own, or the compacted month's; NULL if there is none.
-- Found by name, so that the parent is not touched: two sessions that swap would deadlock over it.
CREATE OR REPLACE FUNCTION warehouse._partition_of(p_parent regclass, p_load_date date) RETURNS regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_partition_of$
    SELECT coalesce(to_regclass(warehouse._partition_name(p_parent, p_load_date, 'day')),
                    to_regclass(warehouse._partition_name(p_parent, p_load_date, 'month')));
$_partition_of$;
COMMENT ON FUNCTION warehouse._partition_of(regclass, date) IS 'The partition that holds a day of staging or facts; NULL if there is none';

-- The qualified name of a day's or month's partition: warehouse.fact_orders_p_2025_12_19.
CREATE OR REPLACE FUNCTION warehouse._partition_name(p_parent regclass, p_load_date date, p_grain text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_partition_name$
    SELECT format('%I.%I', n.nspname, c.relname || '_p_'
                  || to_char(p_load_date, CASE p_grain WHEN 'day' THEN 'YYYY_MM_DD' ELSE 'YYYY_MM' END))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = p_parent;
$_partition_name$;
COMMENT ON FUNCTION warehouse._partition_name(regclass, date, text) IS 'The qualified name of a day''s or month''s partition';

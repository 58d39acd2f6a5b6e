-- What compact_partitions does, with the owner's rights: one partition at a time, all or nothing.

-- Merges the day partitions of a month of one table. Returns what it did, in words.
-- Errors: WH006 the swap did not get its locks
CREATE OR REPLACE FUNCTION warehouse._compact_month(p_parent regclass, p_month date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET "DateStyle" = 'ISO, YMD'
AS $_compact_month$
DECLARE
    v_name  text := warehouse._partition_name(p_parent, p_month, 'month');
    v_to    date := (p_month + interval '1 month')::date;
    v_days  regclass[];
    v_query text;
BEGIN
    IF p_month <> date_trunc('month', p_month::timestamp)::date
       OR p_parent NOT IN ('staging.orders_clean'::regclass, 'staging.events_clean'::regclass, 'staging.products_clean'::regclass,
                           'warehouse.fact_orders'::regclass, 'warehouse.fact_events'::regclass)
    THEN
        RAISE EXCEPTION '% from % is not a month of staging or facts', p_parent, p_month USING ERRCODE = 'WH004',
            -- No function call in it: on the search path of whoever types it, somebody else's may be the closer match.
            HINT = format('CALL warehouse.compact_partitions(%L);', to_char(date_trunc('month', now() AT TIME ZONE 'UTC'), 'YYYY-MM-DD'));
    END IF;
    PERFORM warehouse._refuse_date(v_to);
    -- Steps of this month may read its days by their names; those of other months may move rows into them.
    -- Both hold this lock until their transaction ends: what is read below stays true.
    PERFORM warehouse._lock_month_exclusive(p_month);
    PERFORM warehouse._lock_publishing(p_parent);
    -- Columns by name: each day keeps the column order in which it was made, and UNION goes by position.
    SELECT array_agg(p.partition ORDER BY p.from_date),
           string_agg(format('SELECT %s FROM %s', warehouse._column_list(p_parent), p.partition), ' UNION ALL ' ORDER BY p.from_date)
    INTO v_days, v_query
    FROM warehouse._partitions() p
    WHERE p.parent = p_parent AND p.grain = 'day' AND p.from_date >= p_month AND p.from_date < v_to;
    IF v_days IS NULL THEN
        RETURN format('%s was merged already', v_name);
    END IF;

    PERFORM warehouse._build_partition(
        p_parent, v_name || '_new', p_month, v_to,
        format('SELECT d.* FROM (%s) AS d ORDER BY d.%I', v_query,
               CASE WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = p_parent AND a.attname = 'date_id')
                    THEN 'date_id' ELSE 'load_date' END));
    -- A reload finds the rows of its day by this; a day partition needs no such index.
    EXECUTE format('CREATE INDEX ON %s (load_date)', v_name || '_new');
    PERFORM warehouse._swap_partitions(p_parent, v_days, v_name || '_new', v_name, p_month, v_to);
    RETURN format('%s: %s days merged', v_name, cardinality(v_days));
END
$_compact_month$;
COMMENT ON FUNCTION warehouse._compact_month(regclass, date) IS 'Merges the day partitions of a month of one table';

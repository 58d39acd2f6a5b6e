-- How many rows of a day stand in staging twice. A valid unique index proves that none does; without it they are counted.
--
-- p_table: staging.orders_clean, staging.events_clean or staging.products_clean
-- Errors:  WH004 another table
CREATE OR REPLACE FUNCTION staging.duplicate_count(p_table text, p_load_date date) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $duplicate_count$
DECLARE
    v_partition regclass;
    v_key       text := (SELECT array_to_string(s.key_columns, ', ') FROM raw.sources s WHERE audit._place(s.staging_table) = p_table);
    v_count     bigint;
BEGIN
    IF v_key IS NULL THEN
        RAISE EXCEPTION '% is not a table of staging', p_table USING ERRCODE = 'WH004',
            HINT = 'staging.orders_clean, staging.events_clean or staging.products_clean';
    END IF;
    PERFORM warehouse._refuse_day(p_load_date, 'a count');
    v_partition := warehouse._partition_of(p_table::regclass, p_load_date);
    IF v_partition IS NULL
       OR EXISTS (SELECT FROM pg_index i
                  WHERE i.indrelid = v_partition AND i.indisunique AND i.indisvalid
                    AND pg_get_indexdef(i.indexrelid) LIKE '%(' || v_key || ', load_date)')
    THEN
        RETURN 0;
    END IF;
    EXECUTE format('SELECT count(*) - count(DISTINCT (%s)) FROM %s WHERE load_date = %L', v_key, v_partition, p_load_date)
    INTO v_count;
    RETURN v_count;
END
$duplicate_count$;
COMMENT ON FUNCTION staging.duplicate_count(text, date) IS 'How many rows of a day stand in staging twice';

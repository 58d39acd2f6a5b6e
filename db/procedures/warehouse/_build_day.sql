-- Builds a day's partition beside its parent. Returns the number of rows; if there are none, no table is left.
CREATE OR REPLACE FUNCTION warehouse._build_day(p_parent regclass, p_load_date date, p_query text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_build_day$
DECLARE
    v_name text := warehouse._partition_name(p_parent, p_load_date, 'day');
    v_rows bigint;
BEGIN
    v_rows := warehouse._build_partition(p_parent, v_name, p_load_date, p_load_date + 1, p_query);
    IF v_rows = 0 THEN
        EXECUTE format('DROP TABLE %s', v_name);
    END IF;
    RETURN v_rows;
END
$_build_day$;
COMMENT ON FUNCTION warehouse._build_day(regclass, date, text) IS 'Builds a day''s partition beside its parent';

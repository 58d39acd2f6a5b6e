-- Gives the stand-in of a partitioned table the day's partition as it is now, if there is one.
CREATE OR REPLACE FUNCTION audit._preview_day(p_schema text, p_name text, p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_day$
DECLARE
    v_live  regclass := warehouse._partition_of(format('%I.%I', p_schema, p_name)::regclass, p_load_date);
    v_name  text := (SELECT format('pg_temp.%I', c.relname) FROM pg_class c WHERE c.oid = v_live);
    v_grain text := CASE WHEN v_name ~ '_p_\d+_\d+_\d+$' THEN 'day' ELSE 'month' END;
    v_from  date := date_trunc(v_grain, p_load_date::timestamp)::date;
    v_to    date := (v_from + ('1 ' || v_grain)::interval)::date;
BEGIN
    IF v_live IS NOT NULL THEN
        PERFORM warehouse._build_partition(format('pg_temp.%I', p_name)::regclass, v_name, v_from, v_to, format('SELECT * FROM %s AS t WHERE t.load_date = %L', v_live, p_load_date));
        EXECUTE format('ALTER TABLE pg_temp.%I ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', p_name, v_name, v_from, v_to);
    END IF;
END
$_preview_day$;
COMMENT ON FUNCTION audit._preview_day(text, text, date) IS 'Gives the stand-in of a partitioned table the day''s partition as it is now';

-- Makes the partitions of raw for the month of a date, where they are missing.
--
-- Reads:  pg_class
-- Writes: raw.<table>_p_YYYY_MM, attached to its parent
-- Locks:  one advisory lock while something is made; SHARE UPDATE EXCLUSIVE on the parents (readers and COPY go on)
-- Errors: WH004 a date is missing or outside the years 1900 to 2999; WH006 another session kept the months of raw locked
-- Safe to repeat: a month that is there is left alone. Glue calls it in a transaction of its own, before COPY.
CREATE OR REPLACE FUNCTION raw.prepare_month(p_run_date date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC'
AS $prepare_month$
DECLARE
    v_first  date;
    v_table  text;
    v_name   text;
BEGIN
    PERFORM warehouse._refuse_day(p_run_date, 'a month');
    v_first := date_trunc('month', p_run_date)::date;
    FOREACH v_table IN ARRAY ARRAY['orders_json', 'events_csv', 'products_json', 'rejected_lines'] LOOP
        v_name := v_table || to_char(v_first, '"_p_"YYYY_MM');
        CONTINUE WHEN EXISTS (SELECT FROM pg_class c WHERE c.relname = v_name AND c.relnamespace = 'raw'::regnamespace);

        PERFORM warehouse._wait_for_lock('partitions', hashtext('raw'), 'the months of raw');
        -- Was it made while we waited? to_regclass may not know: it asks a cache.
        CONTINUE WHEN EXISTS (SELECT FROM pg_class c WHERE c.relname = v_name AND c.relnamespace = 'raw'::regnamespace);

        EXECUTE format('CREATE TABLE raw.%I (LIKE raw.%I INCLUDING DEFAULTS INCLUDING COMMENTS)', v_name, v_table);
        -- Without a replica identity an erasure could not UPDATE a table that is in a publication of all tables.
        EXECUTE format('ALTER TABLE raw.%I REPLICA IDENTITY FULL', v_name);
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION raw._refuse_change()', v_name);
        EXECUTE format('ALTER TABLE raw.%I ATTACH PARTITION raw.%I FOR VALUES FROM (%L) TO (%L)',
                       v_table, v_name, v_first, (v_first + interval '1 month')::date);
    END LOOP;
END
$prepare_month$;
COMMENT ON FUNCTION raw.prepare_month(date) IS 'Makes the partitions of raw for the month of a date, where they are missing';

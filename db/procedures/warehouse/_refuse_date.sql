-- Errors: WH004 a date is missing or in the future: a typing error must not drop what retention keeps
CREATE OR REPLACE FUNCTION warehouse._refuse_date(p_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_refuse_date$
BEGIN
    PERFORM warehouse._refuse_day(p_date, 'compaction');
    -- Wherever the day begins first: a maintenance that goes by UTC's calendar is not refused for some hours of the 1st.
    IF p_date > greatest((now() AT TIME ZONE staging.time_zone())::date, (now() AT TIME ZONE 'UTC')::date) THEN
        RAISE EXCEPTION 'compaction needs a date that is not in the future' USING ERRCODE = 'WH004',
            DETAIL = format('Got: %s.', p_date),
            -- No function call in it: on the search path of whoever types it, somebody else's may be the closer match.
            HINT = format('CALL warehouse.compact_partitions(%L);', to_char(date_trunc('month', now() AT TIME ZONE 'UTC'), 'YYYY-MM-DD'));
    END IF;
END
$_refuse_date$;
COMMENT ON FUNCTION warehouse._refuse_date(date) IS 'Refuses a date that is missing or in the future';

-- As _wait_for_lock, for what is locked day by day.
CREATE OR REPLACE FUNCTION warehouse._wait_for_day(p_class text, p_day date, p_is_shared boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_wait_for_day$
BEGIN
    PERFORM warehouse._wait_for_lock(p_class, p_day - date '2000-01-01', format('%s of %s', p_class, p_day), p_is_shared);
END
$_wait_for_day$;
COMMENT ON FUNCTION warehouse._wait_for_day(text, date, boolean) IS 'Takes the advisory lock on something of a day until the transaction ends';

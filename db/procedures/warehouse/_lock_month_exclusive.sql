-- As _lock_month_shared, but exclusive: for whoever merges or drops partitions of the month.
CREATE OR REPLACE FUNCTION warehouse._lock_month_exclusive(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_lock_month_exclusive$
BEGIN
    PERFORM warehouse._use_workers(true);
    PERFORM warehouse._wait_for_lock('month', warehouse._month_number(p_load_date), to_char(p_load_date, '"the partitions of "YYYY-MM'));
END
$_lock_month_exclusive$;
COMMENT ON FUNCTION warehouse._lock_month_exclusive(date) IS 'Waits until no step uses the partitions of a month, and keeps others from it';

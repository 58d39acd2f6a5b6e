-- Keeps the partitions of a day's month as they are until the transaction ends: a step reads them by their own names,
-- and compaction drops the days that it merged. Steps hold it together; compaction and retention wait for them.
--
-- Call it first in a worker, before any other lock and before a partition is looked up.
-- Locks: the month (advisory), shared
CREATE OR REPLACE FUNCTION warehouse._lock_month_shared(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_lock_month_shared$
BEGIN
    PERFORM warehouse._wait_for_lock('month', warehouse._month_number(p_load_date), to_char(p_load_date, '"the partitions of "YYYY-MM'), true);
END
$_lock_month_shared$;
COMMENT ON FUNCTION warehouse._lock_month_shared(date) IS 'Keeps the partitions of a day''s month as they are until the transaction ends';

-- Keeps the staging of a day as it is until the transaction ends: cleaning of that day waits, other readers do not.
-- Locks: those of the cleaning steps (audit._perform_step), shared
CREATE OR REPLACE FUNCTION audit._lock_staging_shared(p_load_date date) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $_lock_staging_shared$
    SELECT warehouse._wait_for_day('clean_' || s.source, p_load_date, true)
    FROM (SELECT k.source FROM raw.sources k ORDER BY k.position) AS s;
$_lock_staging_shared$;
COMMENT ON FUNCTION audit._lock_staging_shared(date) IS 'Keeps the staging of a day as it is until the transaction ends';

-- Waits until nothing that runs uses the warehouse, and keeps others from it until the transaction ends.
--
-- Waits as long as the session's lock_timeout says.
-- Locks:  the warehouse (advisory), alone: warehouse._hold_warehouse
-- Errors: WH006 it stayed in use, with the pids
CREATE OR REPLACE FUNCTION warehouse._take_warehouse() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_take_warehouse$
DECLARE
    v_class   integer := warehouse._lock_class('in use');
    v_holders text;
BEGIN
    PERFORM pg_advisory_xact_lock(v_class, 0);
EXCEPTION WHEN lock_not_available THEN
    SELECT string_agg(DISTINCT l.pid::text, ', ') INTO v_holders
    FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.objid = 0
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND l.classid::bigint = v_class::bigint & 4294967295;
    RAISE EXCEPTION 'the warehouse stayed in use' USING ERRCODE = 'WH006',
        DETAIL = format('By the sessions with pid %s: steps, loads, compaction or an upgrade. Nothing was changed.', coalesce(v_holders, '(gone now)')),
        HINT = 'SELECT pid, usename, state, query FROM pg_stat_activity WHERE pid IN (…); then try again, or wait longer: SET lock_timeout = ''30min'';';
END
$_take_warehouse$;
COMMENT ON FUNCTION warehouse._take_warehouse() IS 'Waits until nothing that runs uses the warehouse, and keeps others from it';

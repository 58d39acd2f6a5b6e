-- Waits until nothing uses the warehouse any more, and keeps others out until the transaction ends.
--
-- Locks:  the warehouse (advisory, exclusive): see warehouse._lock_warehouse_shared
-- Errors: WH006 it stayed in use, with the sessions: steps, loads, compaction or an upgrade
CREATE OR REPLACE FUNCTION warehouse._lock_warehouse_exclusive() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_lock_warehouse_exclusive$
BEGIN
    PERFORM warehouse._wait_for_lock('in use', 0, 'the warehouse');
    PERFORM warehouse._use_workers(true);
END
$_lock_warehouse_exclusive$;
COMMENT ON FUNCTION warehouse._lock_warehouse_exclusive() IS 'Waits until nothing uses the warehouse any more, and keeps others out';

-- Waits until nothing that runs uses the warehouse, and keeps others from it until the transaction ends.
--
-- Locks:  the warehouse (advisory), alone: warehouse._hold_warehouse
-- Errors: WH006 it stayed in use, with the sessions: steps, loads, compaction or an upgrade
CREATE OR REPLACE FUNCTION warehouse._take_warehouse() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $_take_warehouse$
    SELECT warehouse._wait_for_lock('in use', 0, 'the warehouse');
$_take_warehouse$;
COMMENT ON FUNCTION warehouse._take_warehouse() IS 'Waits until nothing that runs uses the warehouse, and keeps others from it';

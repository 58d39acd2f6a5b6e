-- Keeps upgrades and erasures out until the transaction ends. The driver of steps, loads of raw and compaction hold
-- this together; an upgrade (ops/migrate.py) and audit.erase_user take it alone, and so wait for all of these.
--
-- Called before anything else that the transaction does: what it reads and runs afterwards stays as it is, and from here on
-- no lock of a table or row is waited for without end, either (55P03).
-- Locks:  the warehouse (advisory), shared
-- Errors: WH006 it stayed in use, with the sessions
CREATE OR REPLACE FUNCTION warehouse._lock_warehouse_shared() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_lock_warehouse_shared$
    SELECT warehouse._wait_for_lock('in use', 0, 'the warehouse', true);
    SELECT set_config('lock_timeout', warehouse._wait_limit_ms()::text, true);
$_lock_warehouse_shared$;
COMMENT ON FUNCTION warehouse._lock_warehouse_shared() IS 'Keeps upgrades and erasures out until the transaction ends';

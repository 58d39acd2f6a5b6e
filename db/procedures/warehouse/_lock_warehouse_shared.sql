-- Keeps upgrades and erasures out until the transaction ends. The driver of steps, loads of raw and compaction hold
-- this together; an upgrade (ops/migrate.py) and audit.erase_user take it exclusively, and so wait for all of these.
--
-- Call it before anything else in the transaction: what is read and run afterwards stays as it is, and from here on waits for
-- locks of tables and rows have an end, too (55P03).
-- Locks:  the warehouse (advisory), shared
-- Errors: WH006 it stayed in use, with the sessions
CREATE OR REPLACE FUNCTION warehouse._lock_warehouse_shared() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_lock_warehouse_shared$
BEGIN
    PERFORM warehouse._wait_for_lock('in use', 0, 'the warehouse', true);
    PERFORM set_config('lock_timeout', warehouse._wait_limit_ms()::text, true);
END
$_lock_warehouse_shared$;
COMMENT ON FUNCTION warehouse._lock_warehouse_shared() IS 'Keeps upgrades and erasures out until the transaction ends';

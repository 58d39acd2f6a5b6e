-- Keeps upgrades and erasures out until the transaction ends. The driver of steps, loads of raw and compaction hold
-- this together; an upgrade (glue/migrate.py) and audit.erase_user take it alone, and so wait for all of these.
--
-- Called before anything else that the transaction does: what it reads and runs afterwards stays as it is.
-- Locks: the warehouse (advisory), shared
CREATE OR REPLACE FUNCTION warehouse._hold_warehouse() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_hold_warehouse$
    SELECT pg_advisory_xact_lock_shared(warehouse._lock_class('in use'), 0);
$_hold_warehouse$;
COMMENT ON FUNCTION warehouse._hold_warehouse() IS 'Keeps upgrades and erasures out until the transaction ends';

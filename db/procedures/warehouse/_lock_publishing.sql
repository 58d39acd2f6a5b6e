-- Lets one session at a time put partitions of a table in place and move its rows between days, until its transaction ends.
CREATE OR REPLACE FUNCTION warehouse._lock_publishing(p_parent regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_lock_publishing$
BEGIN
    PERFORM warehouse._wait_for_lock('publish', p_parent::oid::integer, format('the publishing of %s', p_parent));
END
$_lock_publishing$;
COMMENT ON FUNCTION warehouse._lock_publishing(regclass) IS 'Lets one session at a time put partitions of a table in place, until its transaction ends';

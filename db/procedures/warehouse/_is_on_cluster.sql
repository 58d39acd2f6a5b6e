-- Whether this database has Citus, whose catalog tells where tables are. Without it nothing of what a cluster needs is done.
CREATE OR REPLACE FUNCTION warehouse._is_on_cluster() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_is_on_cluster$
BEGIN
    RETURN to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL;
END
$_is_on_cluster$;
COMMENT ON FUNCTION warehouse._is_on_cluster() IS 'Whether this database has Citus, whose catalog tells where tables are';

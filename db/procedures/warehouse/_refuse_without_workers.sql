-- Errors: WH021 this database is not the coordinator of a cluster that has workers
CREATE OR REPLACE FUNCTION warehouse._refuse_without_workers() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_refuse_without_workers$
DECLARE
    v_workers bigint := 0;
BEGIN
    IF warehouse._is_on_cluster() THEN
        EXECUTE 'SELECT count(*) FROM pg_dist_node n WHERE n.isactive AND n.shouldhaveshards AND n.noderole = ''primary'' AND n.groupid <> 0'
        INTO v_workers;
    END IF;
    IF v_workers = 0 THEN
        RAISE EXCEPTION 'there is no worker to distribute to' USING ERRCODE = 'WH021',
            DETAIL = CASE WHEN warehouse._is_on_cluster() THEN 'The database has Citus, but no active worker.'
                          ELSE 'The database does not have the extension citus.' END,
            HINT = CASE WHEN warehouse._is_on_cluster() THEN 'SELECT citus_add_node(''host of the worker'', 5432); then call this again.'
                        ELSE 'One server needs no distribution. For a cluster: CREATE EXTENSION citus; see docs/how-to/scale-out.md.' END;
    END IF;
END
$_refuse_without_workers$;
COMMENT ON FUNCTION warehouse._refuse_without_workers() IS 'Refuses to distribute where there is no cluster';

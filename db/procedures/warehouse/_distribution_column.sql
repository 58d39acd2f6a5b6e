-- The column that tells in which shard of a table a row is; NULL for a table that has no shards, as all on one server.
CREATE OR REPLACE FUNCTION warehouse._distribution_column(p_table regclass) RETURNS name
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_distribution_column$
DECLARE
    v_column name;
BEGIN
    IF warehouse._is_on_cluster() THEN
        EXECUTE 'SELECT column_to_column_name(d.logicalrelid, d.partkey) FROM pg_dist_partition AS d WHERE d.logicalrelid = $1'
        INTO v_column USING p_table;
    END IF;
    RETURN v_column;
END
$_distribution_column$;
COMMENT ON FUNCTION warehouse._distribution_column(regclass) IS 'The column that tells in which shard of a table a row is; NULL for a table without shards';

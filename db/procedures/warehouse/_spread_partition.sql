-- On a cluster: moves the rows of a table that is to become a partition to the workers, into the shards beside those of its
-- parent. What follows, indexes among it, is done there, in each shard.
CREATE OR REPLACE FUNCTION warehouse._spread_partition(p_parent regclass, p_name text, p_column name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = 'warning'
AS $_spread_partition$
BEGIN
    EXECUTE 'SELECT create_distributed_table($1, $2, colocate_with => $3)' USING p_name::regclass, p_column::text, p_parent::text;
    -- The copy that the coordinator keeps, and nobody sees any more.
    EXECUTE 'SELECT truncate_local_data_after_distributing_table($1)' USING p_name::regclass;
END
$_spread_partition$;
COMMENT ON FUNCTION warehouse._spread_partition(regclass, text, name) IS 'On a cluster: moves the rows of a table that is to become a partition to the workers';

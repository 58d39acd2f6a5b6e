-- On a cluster: how this transaction works with the workers. Citus wants to know before the first statement that reaches one. On
-- one server it does nothing.
--
-- p_changes: whether it changes facts or dimensions. If so, one connection to each worker does it all: shards of facts refer to
--            the copies of the dimensions beside them, and what one connection has changed another does not see. If not,
--            what it makes is for the coordinator only: the temporary functions of rules, partitions of staging.
CREATE OR REPLACE FUNCTION warehouse._use_workers(p_changes boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_use_workers$
BEGIN
    IF NOT warehouse._is_on_cluster() THEN
        RETURN;
    ELSIF p_changes THEN
        PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', true);
    ELSE
        PERFORM set_config('citus.enable_ddl_propagation', 'off', true);
    END IF;
END
$_use_workers$;
COMMENT ON FUNCTION warehouse._use_workers(boolean) IS 'On a cluster: how this transaction works with the workers';

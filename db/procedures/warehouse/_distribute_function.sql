-- Hands a function to the workers of a cluster, as it is now.
CREATE OR REPLACE FUNCTION warehouse._distribute_function(p_function regprocedure) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = 'warning'
AS $_distribute_function$
BEGIN
    EXECUTE 'SELECT create_distributed_function($1)' USING p_function;
END
$_distribute_function$;
COMMENT ON FUNCTION warehouse._distribute_function(regprocedure) IS 'Hands a function to the workers of a cluster';

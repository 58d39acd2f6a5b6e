-- Whether the session that runs a step still exists: it holds an advisory lock on the step's key, and the server
-- releases that when the session ends, however it ends. The same lock in another session's hands says nothing.
--
-- Reads: audit.pipeline_steps, pg_locks
CREATE OR REPLACE FUNCTION audit.step_is_alive(p_step_id bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $step_is_alive$
    SELECT EXISTS (
        SELECT FROM audit.pipeline_steps s
        JOIN pg_locks l ON l.pid = s.backend_pid AND l.objid::bigint = s.lock_key
        WHERE s.step_id = p_step_id AND l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
          AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
          AND l.classid::bigint = warehouse._lock_class('step is alive')::bigint & 4294967295
    );
$step_is_alive$;
COMMENT ON FUNCTION audit.step_is_alive(bigint) IS 'Whether the session that runs a step still exists';

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

-- Keeps the session known to live until the transaction ends, and after it: what runs in between, a rule say, can let go
-- of the locks that are the session's (pg_advisory_unlock_all), but of none that is the transaction's.
--
-- Locks: the step's key (advisory), for the transaction, and once for the session
CREATE OR REPLACE FUNCTION audit._stay_alive(p_step_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = error
AS $_stay_alive$
DECLARE
    v_class integer := warehouse._lock_class('step is alive');
    v_key   integer := (SELECT s.lock_key FROM audit.pipeline_steps s WHERE s.step_id = p_step_id AND s.backend_pid = pg_backend_pid());
BEGIN
    PERFORM pg_try_advisory_xact_lock(v_class, v_key);
    -- Once, not once more: of a lock that was let go PostgreSQL only warns.
    PERFORM pg_advisory_unlock(v_class, v_key);
    PERFORM pg_try_advisory_lock(v_class, v_key);
END
$_stay_alive$;
COMMENT ON FUNCTION audit._stay_alive(bigint) IS 'Keeps the session that runs a step known to live, whatever is let go of meanwhile';

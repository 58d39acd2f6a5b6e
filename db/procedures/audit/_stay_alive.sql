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

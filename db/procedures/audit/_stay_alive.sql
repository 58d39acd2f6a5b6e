-- Keeps the session recognizable as alive until the transaction ends, and after it. What runs in between, a rule for
-- instance, can release the session's locks (pg_advisory_unlock_all), but not the transaction's.
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
    -- So that it is held once, not twice. If it was released meanwhile, the unlock only raises a warning.
    PERFORM pg_advisory_unlock(v_class, v_key);
    PERFORM pg_try_advisory_lock(v_class, v_key);
END
$_stay_alive$;
COMMENT ON FUNCTION audit._stay_alive(bigint) IS 'Keeps the session that runs a step recognizable as alive, whatever locks are released meanwhile';

-- Records a step as running, in the newest open run of its day or in a new one.
--
-- Returns: run_id and step_id
-- Writes:  audit.pipeline_runs, audit.pipeline_steps
-- Locks:   a session lock on the step's lock_key (its holder is alive); an advisory lock on the day while it looks for the run
-- Errors:  WH006 another session kept the runs of the day locked
-- A run is open until it succeeds: a retry sets a failed or blocked run to running again. open_run opens a new run, unless
-- the newest still waits for its first step or has a step running. Steps of the day whose session died are set to failed,
-- in older runs too: a step may have outlived its run.
CREATE OR REPLACE FUNCTION audit._start_step(p_step text, p_load_date date, OUT run_id bigint, OUT step_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_start_step$
DECLARE
    v_class   integer := warehouse._lock_class('step is alive');
    v_run     audit.pipeline_runs;
    v_is_busy boolean;
    v_key     integer;
BEGIN
    PERFORM warehouse._wait_for_day('runs', p_load_date);

    SELECT r.* INTO v_run FROM audit.pipeline_runs r WHERE r.run_date = p_load_date ORDER BY r.run_id DESC LIMIT 1;

    -- This session is here, so it no longer runs any step that it left as running.
    PERFORM pg_advisory_unlock(v_class, s.lock_key)
    FROM audit.pipeline_steps s
    JOIN pg_locks l ON l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND l.pid = pg_backend_pid()
     AND l.classid::bigint = v_class::bigint & 4294967295 AND l.objid::bigint = s.lock_key
    WHERE s.run_id = v_run.run_id AND s.status = 'running';

    UPDATE audit.pipeline_steps s
    SET status = 'failed', ended_at = clock_timestamp(), error_sqlstate = '08006',
        error_message = 'the session that ran this step ended before the step did'
    FROM audit.pipeline_runs r
    WHERE r.run_date = p_load_date AND s.run_id = r.run_id AND s.status = 'running' AND NOT audit.step_is_alive(s.step_id);

    v_is_busy := EXISTS (SELECT FROM audit.pipeline_steps s WHERE s.run_id = v_run.run_id AND s.status = 'running');

    IF v_run.run_id IS NULL OR v_run.status = 'succeeded'
       OR (p_step = 'open_run' AND NOT v_is_busy AND audit._waiting_run(p_load_date) IS NULL)
    THEN
        UPDATE audit.pipeline_runs r
        SET status = 'failed', ended_at = clock_timestamp(), error = 'given up: a new run of the day was opened'
        WHERE r.run_id = v_run.run_id AND r.status = 'running';

        INSERT INTO audit.pipeline_runs (run_date, status, triggered_by)
        VALUES (p_load_date, 'running',
                concat_ws(' ', session_user, nullif(current_setting('application_name'), '')))
        RETURNING pipeline_runs.run_id INTO run_id;
    ELSE
        run_id := v_run.run_id;
        UPDATE audit.pipeline_runs r
        SET status = 'running', ended_at = NULL, error = NULL, idle = r.idle + (clock_timestamp() - r.ended_at)
        WHERE r.run_id = v_run.run_id AND r.status <> 'running';
    END IF;

    -- A random key, so that nobody can guess it and take the lock first.
    LOOP
        v_key := floor(random() * 2147483647);
        EXIT WHEN pg_try_advisory_lock(v_class, v_key);
    END LOOP;
    INSERT INTO audit.pipeline_steps (run_id, step, status, lock_key) VALUES (run_id, p_step, 'running', v_key)
    RETURNING pipeline_steps.step_id INTO step_id;
END
$_start_step$;
COMMENT ON FUNCTION audit._start_step(text, date) IS 'Records a step as running, in the newest open run of its day or in a new one';

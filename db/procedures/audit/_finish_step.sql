-- Records how a step ended. A failed or blocked step ends its run, and so does the last step.
--
-- Writes: audit.pipeline_steps, audit.pipeline_runs, warehouse.daily_metrics
-- Errors: WH004 this session does not run that step
-- Locks:  releases the session lock on the step, and holds a transaction lock on it instead
-- A failed or blocked run writes its row of daily_metrics here: the alerts depend on it.
-- If the extract of an optional source (raw.sources) fails, this is recorded and the run goes on: a day is loaded without
-- its catalogue, because a fact never waits for a dimension.
CREATE OR REPLACE FUNCTION audit._finish_step(
    p_run_id bigint, p_step_id bigint, p_step text, p_load_date date, p_result audit.step_result, p_failure audit.failure
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_finish_step$
DECLARE
    -- A loading step that meets a day without a pass leaves the run blocked, as it was.
    v_status text := CASE WHEN p_failure.sqlstate IS NULL THEN 'succeeded'
                          WHEN p_failure.sqlstate IN ('WH001', 'WH002') THEN 'blocked'
                          ELSE 'failed' END;
    v_run_status text;
    v_run_error  text;
    v_optional   text[] := ARRAY(SELECT s.step FROM audit.steps s JOIN raw.sources k ON k.source = s.source
                                 WHERE s.procedure IS NULL AND k.is_optional);
BEGIN
    -- Only the session that runs a step can say how it ended.
    IF NOT EXISTS (SELECT FROM audit.pipeline_steps s WHERE s.step_id = p_step_id AND s.run_id = p_run_id
                   AND s.step = p_step AND s.status = 'running' AND s.backend_pid = pg_backend_pid()) THEN
        RAISE EXCEPTION 'step % of run % is not run by this session', p_step, p_run_id USING ERRCODE = 'WH004',
            HINT = 'Call steps through their public procedures.';
    END IF;
    UPDATE audit.pipeline_steps s
    SET status = v_status, ended_at = clock_timestamp(),
        rows_in = p_result.rows_in, rows_out = p_result.rows_out,
        rows_rejected = p_result.rows_rejected, rows_duplicate = p_result.rows_duplicate,
        error_sqlstate = p_failure.sqlstate,
        error_message = nullif(concat_ws(E'\n', p_failure.message, nullif(p_failure.detail, ''), nullif(p_failure.hint, '')), ''),
        error_context = p_failure.context
    WHERE s.step_id = p_step_id;

    IF p_step = (SELECT s.step FROM audit.steps s ORDER BY s.position DESC LIMIT 1)
       OR (v_status <> 'succeeded' AND p_step <> ALL (v_optional)) THEN
        v_run_status := v_status;
        v_run_error := p_step || ': ' || p_failure.message;
    ELSE
        -- Steps run in parallel: one that succeeds after another went wrong leaves the run as the other left it.
        SELECT s.status, s.step || ': ' || split_part(s.error_message, E'\n', 1) INTO v_run_status, v_run_error
        FROM (SELECT DISTINCT ON (t.step) t.step_id, t.step, t.status, t.error_message
              FROM audit.pipeline_steps t WHERE t.run_id = p_run_id ORDER BY t.step, t.step_id DESC) AS s
        WHERE s.status IN ('running', 'failed', 'blocked') AND s.step <> ALL (v_optional)
        ORDER BY s.status = 'running' DESC, s.step_id DESC
        LIMIT 1;
    END IF;
    IF v_run_status <> 'running' THEN
        UPDATE audit.pipeline_runs r
        SET status = v_run_status, ended_at = clock_timestamp(), error = v_run_error
        WHERE r.run_id = p_run_id;
        IF v_run_status <> 'succeeded' THEN
            -- A statement_timeout that ended the step does not fire again. Without this limit, a session that locks a table
            -- of the figures could hold up the record of the failure for as long as it likes.
            PERFORM set_config('lock_timeout', '5s', true);
        END IF;
        BEGIN
            PERFORM warehouse._write_daily_metrics(p_load_date, p_run_id);
        EXCEPTION WHEN OTHERS THEN
            IF v_run_status = 'succeeded' THEN
                RAISE;
            END IF;
            -- The failure that is being recorded matters more than its row of metrics.
            RAISE WARNING 'daily_metrics of % could not be written: %', p_load_date, SQLERRM;
        END;
    END IF;

    -- A session lock is released at once; the transaction lock lasts until others can see how the step ended.
    PERFORM audit._stay_alive(p_step_id);
    PERFORM pg_advisory_unlock(warehouse._lock_class('step is alive'), s.lock_key)
    FROM audit.pipeline_steps s WHERE s.step_id = p_step_id;
END
$_finish_step$;
COMMENT ON FUNCTION audit._finish_step(bigint, bigint, text, date, audit.step_result, audit.failure)
    IS 'Records how a step ended; a failed or blocked step ends its run, and so does the last step';

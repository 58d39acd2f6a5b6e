-- What the driver does around the worker of a step: locks, the gate's pass, skipping, remembering. All in one function,
-- so that nobody who may call the driver can call a worker without them.
--
-- p_step_id: a step that this session has recorded as running
-- Reads:   audit.steps, audit.settings; what audit._step_components reads
-- Writes:  audit.step_inputs, audit.input_states; what the worker writes
-- Locks:   until the transaction ends, in this order: the month (advisory, shared); the step's day (advisory); the day's
--          staging (advisory, shared) if the step reads it; what the worker takes
-- Errors:  WH004 this session does not run that step; WH017 a change of the time zone is not complete; WH002 the day's staging has no pass, WH007 it is gone; WH006 a lock stayed taken; the worker's own
-- Safe to repeat: if the inputs are those of its last result, and that is still there, nothing is done.
CREATE OR REPLACE FUNCTION audit._perform_step(p_step_id bigint) RETURNS audit.step_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD'
-- Of their temporary tables workers ask how many rows they have, and whether ids are unique. Partitions have targets of their own.
SET default_statistics_target = 10
AS $_perform_step$
DECLARE
    v_step      audit.steps;
    v_load_date date;
    v_inputs    audit.step_inputs;
    v_result    audit.step_result;
BEGIN
    SELECT r.run_date INTO v_load_date
    FROM audit.pipeline_steps p JOIN audit.pipeline_runs r ON r.run_id = p.run_id
    WHERE p.step_id = p_step_id AND p.status = 'running' AND p.backend_pid = pg_backend_pid();
    SELECT s.* INTO v_step
    FROM audit.pipeline_steps p JOIN audit.steps s ON s.step = p.step
    WHERE p.step_id = p_step_id AND v_load_date IS NOT NULL AND s.procedure IS NOT NULL;
    IF v_step.step IS NULL THEN
        RAISE EXCEPTION 'step % is not run by this session', p_step_id USING ERRCODE = 'WH004',
            HINT = 'Call steps through their public procedures.';
    END IF;
    IF v_step.worker IS NULL THEN
        RETURN ROW(0, 0, 0, 0, NULL)::audit.step_result;
    END IF;

    PERFORM warehouse._use_workers(v_step.needs_pass);
    PERFORM warehouse._refuse_while_zone_changes();
    -- Before a partition is looked up, and before any other lock: compaction drops the days that it merged.
    PERFORM warehouse._lock_month_shared(v_load_date);
    PERFORM warehouse._wait_for_day(v_step.step, v_load_date);
    IF v_step.needs_pass THEN
        PERFORM audit._require_pass(v_load_date);
    ELSIF 'staging' = ANY (v_step.inputs) THEN
        PERFORM audit._lock_staging_shared(v_load_date);
    END IF;

    v_inputs.step := v_step.step;
    v_inputs.run_date := v_load_date;
    -- Before anything else is read: what commits from here on counts as not seen.
    v_inputs.seen := pg_current_snapshot();
    v_inputs.components := audit._step_components(v_step, v_load_date, audit._shared_components(v_step));
    v_result := audit._earlier_result(v_step, v_inputs);
    IF v_result.rows_in IS NULL THEN
        EXECUTE format('SELECT w.* FROM %s($1) AS w', audit._place(v_step.worker)::regproc) INTO v_result USING v_load_date;
        PERFORM audit._remember_result(v_inputs, v_result);
    ELSIF v_step.step = 'check_quality' THEN
        PERFORM audit._repeat_verdict(v_load_date);
    ELSIF v_step.tells_changes THEN
        v_result.rows_out := 0;
    END IF;
    RETURN v_result;
END
$_perform_step$;
COMMENT ON FUNCTION audit._perform_step(bigint) IS 'What the driver does around the worker of a step: locks, the gate''s pass, skipping, remembering';

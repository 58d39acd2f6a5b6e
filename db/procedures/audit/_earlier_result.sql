-- The result that a step made from these inputs before, if it is still there. If the step has to work, rows_in is NULL.
--
-- Reads: audit.step_inputs, audit.settings; staging.loads, audit.gate_verdicts and audit.dq_results, which hold results
CREATE OR REPLACE FUNCTION audit._earlier_result(p_step audit.steps, p_inputs audit.step_inputs) RETURNS audit.step_result
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_earlier_result$
DECLARE
    v_earlier audit.step_inputs;
    v_result  audit.step_result;
BEGIN
    SELECT i.* INTO v_earlier FROM audit.step_inputs i
    WHERE i.step = p_inputs.step AND i.run_date = p_inputs.run_date AND i.components = p_inputs.components;
    IF NOT FOUND
       OR audit._setting('skip_unchanged') IS DISTINCT FROM 1
       OR EXISTS (SELECT FROM jsonb_each(p_inputs.components) c WHERE c.value = 'null')
       OR audit._has_changed_since(v_earlier)
       OR (p_step.result_table IS NOT NULL AND coalesce(v_earlier.rows_out, 0) > 0
           AND warehouse._partition_of(audit._place(p_step.result_table)::regclass, p_inputs.run_date) IS NULL)
       OR (p_step.worker IS NOT NULL AND p_step.source IS NOT NULL
           AND v_earlier.staging_version IS DISTINCT FROM (
               SELECT l.staging_version FROM staging.loads l WHERE l.source = p_step.source AND l.load_date = p_inputs.run_date))
       -- The verdict has to be a pass, and all its results still there: retention may have dropped some.
       OR (p_step.step = 'check_quality' AND NOT EXISTS (
               SELECT FROM audit.gate_verdicts v
               WHERE v.run_date = p_inputs.run_date AND v.passed AND v.staging_versions = audit._staging_versions(p_inputs.run_date)
                 AND (SELECT count(*) FROM audit.dq_results d WHERE d.run_id = v.run_id) = v_earlier.rows_out))
    THEN
        RETURN NULL;
    END IF;
    v_result.rows_in := v_earlier.rows_in;
    v_result.rows_out := v_earlier.rows_out;
    v_result.rows_rejected := v_earlier.rows_rejected;
    v_result.rows_duplicate := v_earlier.rows_duplicate;
    RETURN v_result;
END
$_earlier_result$;
COMMENT ON FUNCTION audit._earlier_result(audit.steps, audit.step_inputs) IS 'The result that a step made from these inputs before, if it is still there';

-- Whether a table that the rules of a verdict read may have changed since: a step of any day that writes it has worked in
-- a transaction that the verdict did not see, or it is not known what the rules read. Race-free: a transaction that was
-- under way at the time counts as newer, whenever it commits. Only newer work is looked at, not the history.
CREATE OR REPLACE FUNCTION audit._has_changed_since(p_earlier audit.step_inputs) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_has_changed_since$
    SELECT p_earlier.reads IS NULL
        OR EXISTS (
            SELECT FROM audit.step_inputs i
            JOIN audit.steps s ON s.step = i.step
            WHERE p_earlier.reads <> '{}'
              AND i.worked_in >= pg_snapshot_xmin(p_earlier.seen)
              AND NOT pg_visible_in_snapshot(i.worked_in, p_earlier.seen)
              AND (s.writes && p_earlier.reads
                   OR (i.run_date <> p_earlier.run_date
                       AND EXISTS (SELECT FROM unnest(s.writes) AS w (name) WHERE w.name || ' of other days' = ANY (p_earlier.reads)))));
$_has_changed_since$;
COMMENT ON FUNCTION audit._has_changed_since(audit.step_inputs) IS 'Whether a table that the rules of a verdict read may have changed since';

-- Why a step has to work: nothing if the result that it made before is still there, and still that of its inputs. The driver
-- skips by it, and audit.plan tells it: what is planned is what is done.
--
-- p_inputs:  step, run_date and components as they are now
-- p_earlier: the row of audit.step_inputs; no step in it if there is none
-- Returns:   reasons; `input X` for each input that is another one than then, or not known
-- Reads:     audit.settings; staging.loads, audit.gate_verdicts and audit.dq_results, which hold results
CREATE OR REPLACE FUNCTION audit._reasons_to_work(p_step audit.steps, p_inputs audit.step_inputs, p_earlier audit.step_inputs) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_reasons_to_work$
DECLARE
    v_reasons text[] := '{}';
BEGIN
    IF audit._setting('skip_unchanged') IS DISTINCT FROM 1 THEN
        v_reasons := v_reasons || 'skip_unchanged'::text;
    END IF;
    IF p_earlier.step IS NULL THEN
        RETURN v_reasons || 'never'::text;
    END IF;
    IF p_earlier.components <> p_inputs.components OR p_inputs.components @? '$.* ? (@ == null)' THEN
        v_reasons := v_reasons || ARRAY(
            SELECT 'input ' || coalesce(n.key, e.key)
            FROM jsonb_each(p_inputs.components) AS n FULL JOIN jsonb_each(p_earlier.components) AS e ON e.key = n.key
            WHERE n.value = 'null' OR n.value IS DISTINCT FROM e.value
            ORDER BY 1);
    END IF;
    IF audit._has_changed_since(p_earlier) THEN
        v_reasons := v_reasons || 'reads'::text;
    END IF;
    IF p_step.result_table IS NOT NULL AND coalesce(p_earlier.rows_out, 0) > 0
       AND warehouse._partition_of(audit._place(p_step.result_table)::regclass, p_inputs.run_date) IS NULL THEN
        v_reasons := v_reasons || 'partition'::text;
    END IF;
    IF p_step.source IS NOT NULL AND p_earlier.staging_version IS DISTINCT FROM (
           SELECT l.staging_version FROM staging.loads l WHERE l.source = p_step.source AND l.load_date = p_inputs.run_date) THEN
        v_reasons := v_reasons || 'staging'::text;
    END IF;
    -- The verdict has to be a pass, and all its results still there: retention may have dropped some.
    IF p_step.step = 'check_quality' AND NOT EXISTS (
           SELECT FROM audit.gate_verdicts v
           WHERE v.run_date = p_inputs.run_date AND v.passed AND v.staging_versions = audit._staging_versions(p_inputs.run_date)
             AND (SELECT count(*) FROM audit.dq_results d WHERE d.run_id = v.run_id) = p_earlier.rows_out) THEN
        v_reasons := v_reasons || 'verdict'::text;
    END IF;
    RETURN v_reasons;
END
$_reasons_to_work$;
COMMENT ON FUNCTION audit._reasons_to_work(audit.steps, audit.step_inputs, audit.step_inputs) IS 'Why a step has to work; nothing if what it made before is still its result';

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

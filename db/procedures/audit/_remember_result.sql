-- Remembers what a step made its result from.
--
-- Writes: audit.step_inputs; audit.input_states, if an input is in a state that no step has met before
CREATE OR REPLACE FUNCTION audit._remember_result(p_inputs audit.step_inputs, p_result audit.step_result) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_remember_result$
DECLARE
    v_reads text[] := '{}';
    v_step  audit.steps;
BEGIN
    IF p_inputs.components ? 'rules' THEN
        -- Parsing shows what rules read. A verdict of a moment ago, on whatever day, knows it already: if rules, routines and
        -- the like are the same, parsing would give the same. Only the newest work is looked at, not the history.
        SELECT i.reads INTO v_reads
        FROM (SELECT n.step, n.reads, n.components FROM audit.step_inputs n ORDER BY n.worked_in DESC LIMIT 100) AS i
        WHERE i.step = p_inputs.step AND i.reads IS NOT NULL
          AND i.components @> (SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each(p_inputs.components) AS c
                               WHERE c.key IN ('rules', 'routines', 'views', 'revision', 'server', 'step'))
        LIMIT 1;
        IF NOT FOUND THEN
            v_reads := audit._rules_read();
        END IF;
    END IF;
    -- Always a new row: its work_number says that something was done.
    DELETE FROM audit.step_inputs i WHERE i.step = p_inputs.step AND i.run_date = p_inputs.run_date;
    INSERT INTO audit.step_inputs (step, run_date, digest, components, seen, reads, staging_version, rows_in, rows_out, rows_rejected, rows_duplicate)
    SELECT s.step, p_inputs.run_date, audit._digest(p_inputs.components::text), p_inputs.components, p_inputs.seen,
           v_reads,
           (SELECT l.staging_version FROM staging.loads l WHERE l.source = s.source AND l.load_date = p_inputs.run_date),
           coalesce(p_result.rows_in, 0), p_result.rows_out, p_result.rows_rejected, p_result.rows_duplicate
    FROM audit.steps s WHERE s.step = p_inputs.step;

    SELECT s.* INTO v_step FROM audit.steps s WHERE s.step = p_inputs.step;
    PERFORM audit._keep_states(v_step, p_inputs.components);
END
$_remember_result$;
COMMENT ON FUNCTION audit._remember_result(audit.step_inputs, audit.step_result) IS 'Remembers what a step made its result from';

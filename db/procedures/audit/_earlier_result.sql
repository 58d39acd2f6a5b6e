-- The result that a step made from these inputs before, if it is still there. If the step has to work, rows_in is NULL.
--
-- Reads: audit.step_inputs; what audit._reasons_to_work reads
CREATE OR REPLACE FUNCTION audit._earlier_result(p_step audit.steps, p_inputs audit.step_inputs) RETURNS audit.step_result
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_earlier_result$
DECLARE
    v_earlier audit.step_inputs;
    v_result  audit.step_result;
BEGIN
    SELECT i.* INTO v_earlier FROM audit.step_inputs i WHERE i.step = p_inputs.step AND i.run_date = p_inputs.run_date;
    IF audit._reasons_to_work(p_step, p_inputs, v_earlier) = '{}' THEN
        v_result.rows_in := v_earlier.rows_in;
        v_result.rows_out := v_earlier.rows_out;
        v_result.rows_rejected := v_earlier.rows_rejected;
        v_result.rows_duplicate := v_earlier.rows_duplicate;
    END IF;
    RETURN v_result;
END
$_earlier_result$;
COMMENT ON FUNCTION audit._earlier_result(audit.steps, audit.step_inputs) IS 'The result that a step made from these inputs before, if it is still there';

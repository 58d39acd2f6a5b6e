-- Remembers what a step made its result from.
CREATE OR REPLACE FUNCTION audit._remember_result(p_inputs audit.step_inputs, p_result audit.step_result) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_remember_result$
BEGIN
    -- Always a new row: its work_number says that something was done.
    DELETE FROM audit.step_inputs i WHERE i.step = p_inputs.step AND i.run_date = p_inputs.run_date;
    INSERT INTO audit.step_inputs (step, run_date, digest, components, seen, reads, staging_version, rows_in, rows_out, rows_rejected, rows_duplicate)
    SELECT s.step, p_inputs.run_date, audit._digest(p_inputs.components::text), p_inputs.components, p_inputs.seen,
           CASE WHEN 'rules' = ANY (s.inputs) THEN audit._rules_read() ELSE '{}' END,
           (SELECT l.staging_version FROM staging.loads l WHERE l.source = s.source AND l.load_date = p_inputs.run_date),
           coalesce(p_result.rows_in, 0), p_result.rows_out, p_result.rows_rejected, p_result.rows_duplicate
    FROM audit.steps s WHERE s.step = p_inputs.step;
END
$_remember_result$;
COMMENT ON FUNCTION audit._remember_result(audit.step_inputs, audit.step_result) IS 'Remembers what a step made its result from';

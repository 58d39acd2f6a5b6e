-- Records how the extract of a source ended.
--
-- p_sqlstate: NULL if all went well; 58030 if the failure is not the database's
-- Writes: audit.pipeline_steps; for a failure also audit.pipeline_runs and warehouse.daily_metrics
-- Errors: WH004 this session runs no such extract
-- Safe to repeat: no; a step ends once.
CREATE OR REPLACE FUNCTION raw.end_extract(
    p_step_id bigint, p_rows_in bigint, p_rows_out bigint, p_rows_rejected bigint, p_sqlstate text, p_message text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $end_extract$
DECLARE
    v_run     audit.pipeline_runs;
    v_step    text;
    v_failure audit.failure;
BEGIN
    SELECT s.step INTO v_step FROM audit.pipeline_steps s WHERE s.step_id = p_step_id AND s.step LIKE 'extract\_%';
    SELECT r.* INTO v_run FROM audit.pipeline_runs r JOIN audit.pipeline_steps s ON s.run_id = r.run_id WHERE s.step_id = p_step_id;
    v_failure.sqlstate := p_sqlstate;
    v_failure.message := p_message;
    PERFORM audit._finish_step(v_run.run_id, p_step_id, v_step, v_run.run_date,
                               ROW(p_rows_in, p_rows_out, p_rows_rejected, NULL, NULL)::audit.step_result, v_failure);
END
$end_extract$;
COMMENT ON FUNCTION raw.end_extract(bigint, bigint, bigint, bigint, text, text) IS 'Records how the extract of a source ended';

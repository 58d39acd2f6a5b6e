-- Copies the results of an earlier run to the newest: its verdict still holds. Called when check_quality is skipped.
CREATE OR REPLACE FUNCTION audit._repeat_verdict(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_repeat_verdict$
DECLARE
    v_run_id    bigint := (SELECT max(r.run_id) FROM audit.pipeline_runs r WHERE r.run_date = p_load_date);
    v_judged_in bigint := (SELECT g.run_id FROM audit.gate_verdicts g WHERE g.run_date = p_load_date);
BEGIN
    IF v_judged_in <> v_run_id THEN
        DELETE FROM audit.dq_results d WHERE d.run_id = v_run_id;
        INSERT INTO audit.dq_results (run_id, run_date, rule_name, check_type, severity, passed, failed_count, checked_count,
                                      observed, message, sample)
        SELECT v_run_id, d.run_date, d.rule_name, d.check_type, d.severity, d.passed, d.failed_count, d.checked_count,
               d.observed, d.message, d.sample
        FROM audit.dq_results d WHERE d.run_id = v_judged_in;
        UPDATE audit.gate_verdicts g SET run_id = v_run_id WHERE g.run_date = p_load_date;
    END IF;
END
$_repeat_verdict$;
COMMENT ON FUNCTION audit._repeat_verdict(date) IS 'Copies the results of an earlier run to the newest: its verdict still holds';

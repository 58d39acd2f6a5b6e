-- Days of audit that retention drops: those with runs, or rejected rows, that are older than audit_keep_days.
CREATE OR REPLACE FUNCTION warehouse._expired_audit(p_before date) RETURNS TABLE (run_date date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_expired_audit$
    SELECT r.run_date FROM warehouse._expired_runs(p_before) r
    UNION
    SELECT d.run_date
    FROM (SELECT DISTINCT b.run_date FROM audit.bad_records b WHERE b.run_date < p_before - audit._setting('audit_keep_days')
          UNION
          SELECT i.run_date FROM audit.step_inputs i WHERE i.run_date < p_before - audit._setting('audit_keep_days')) AS d
    WHERE warehouse._is_day_over(d.run_date, p_before)
    ORDER BY 1;
$_expired_audit$;
COMMENT ON FUNCTION warehouse._expired_audit(date) IS 'The days for which retention drops something from audit';

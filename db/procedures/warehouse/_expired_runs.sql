-- Runs of a day that retention drops: older than audit_keep_days, and not needed for the day's verdict or story.
CREATE OR REPLACE FUNCTION warehouse._expired_runs(p_before date) RETURNS TABLE (run_id bigint, run_date date)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_expired_runs$
    SELECT r.run_id, r.run_date
    FROM (SELECT n.run_id, n.run_date, n.started_at, n.status, max(n.run_id) OVER (PARTITION BY n.run_date) AS newest
          FROM audit.pipeline_runs n
          WHERE n.run_date < p_before - audit._setting('audit_keep_days')) AS r
    WHERE r.started_at < (p_before - audit._setting('audit_keep_days'))::timestamp AT TIME ZONE 'UTC'
      AND r.status <> 'running' AND r.run_id <> r.newest
      AND r.run_id IS DISTINCT FROM (SELECT max(d.run_id) FROM audit.dq_results d WHERE d.run_date = r.run_date)
      AND NOT EXISTS (SELECT FROM audit.pipeline_steps s WHERE s.run_id = r.run_id AND s.status = 'running')
      AND NOT EXISTS (SELECT FROM audit.gate_verdicts g WHERE g.run_date = r.run_date AND g.run_id = r.run_id)
      AND NOT EXISTS (SELECT FROM audit.dq_overrides o WHERE o.used_by_run_id = r.run_id);
$_expired_runs$;
COMMENT ON FUNCTION warehouse._expired_runs(date) IS 'The runs that are older than audit_keep_days and no longer needed';

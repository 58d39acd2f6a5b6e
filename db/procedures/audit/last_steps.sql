-- The steps of the last runs, newest run first: only the last attempt of each. A failure that a later attempt mended is no
-- news, nor is one in a run that a later run of the day followed (is_last_of_day).
--
-- p_runs: of how many runs
-- Reads:  audit.pipeline_runs, audit.pipeline_steps, pg_locks
CREATE OR REPLACE FUNCTION audit.last_steps(p_runs integer DEFAULT 10)
RETURNS TABLE (
    run_id bigint, run_date date, step text, status text, started_at timestamptz, seconds numeric, rows_in bigint,
    rows_out bigint, went_wrong boolean, is_last_of_day boolean, error_sqlstate text, error_message text
)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $last_steps$
    SELECT s.run_id, s.run_date, s.step, s.status, s.started_at, round(EXTRACT(epoch FROM s.ended_at - s.started_at), 1),
           s.rows_in, s.rows_out, s.status IN ('failed', 'blocked', 'died'),
           NOT EXISTS (SELECT FROM audit.pipeline_runs n WHERE n.run_date = s.run_date AND n.run_id > s.run_id),
           s.error_sqlstate,
           CASE WHEN s.status = 'died' THEN 'the session that ran it ended; run the day again' ELSE s.error_message END
    FROM (
        SELECT DISTINCT ON (t.run_id, t.step) t.run_id, r.run_date, t.step_id, t.step, t.started_at, t.ended_at, t.rows_in,
               t.rows_out, t.error_sqlstate, t.error_message,
               CASE WHEN t.status = 'running' AND NOT audit.step_is_alive(t.step_id) THEN 'died' ELSE t.status END AS status
        FROM (SELECT p.run_id, p.run_date FROM audit.pipeline_runs p ORDER BY p.run_id DESC LIMIT p_runs) AS r
        JOIN audit.pipeline_steps t ON t.run_id = r.run_id
        ORDER BY t.run_id, t.step, t.step_id DESC
    ) AS s
    ORDER BY s.run_id DESC, s.step_id;
$last_steps$;
COMMENT ON FUNCTION audit.last_steps(integer) IS 'The steps of the last runs, the last attempt of each: how it ended and, if it went wrong, why';

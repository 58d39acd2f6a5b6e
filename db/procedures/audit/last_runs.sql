-- The last runs, newest first. If the session of a running step is gone, its run is shown as died until the step is called
-- again, which corrects the record.
--
-- p_runs: how many
-- Reads:  audit.pipeline_runs, audit.pipeline_steps, pg_locks
CREATE OR REPLACE FUNCTION audit.last_runs(p_runs integer DEFAULT 10)
RETURNS TABLE (
    run_id bigint, run_date date, status text, started_at timestamptz, seconds numeric, rows bigint, rows_per_second numeric,
    triggered_by text, is_last_of_day boolean, error text
)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $last_runs$
    SELECT r.run_id, r.run_date, CASE WHEN r.status = 'running' AND d.has_died THEN 'died' ELSE r.status END, r.started_at,
           round(t.seconds, 1), m.rows_in, round(m.rows_in / nullif(t.seconds, 0)), r.triggered_by,
           NOT EXISTS (SELECT FROM audit.pipeline_runs n WHERE n.run_date = r.run_date AND n.run_id > r.run_id), r.error
    FROM (SELECT p.* FROM audit.pipeline_runs p ORDER BY p.run_id DESC LIMIT p_runs) AS r
    CROSS JOIN LATERAL (SELECT EXTRACT(epoch FROM r.ended_at - r.started_at) AS seconds) AS t
    CROSS JOIN LATERAL (
        SELECT max(s.rows_in) FILTER (WHERE s.step = 'compute_daily_metrics' AND s.status = 'succeeded') AS rows_in
        FROM audit.pipeline_steps s
        WHERE s.run_id = r.run_id
    ) AS m
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_and(NOT audit.step_is_alive(s.step_id)), false) AS has_died
        FROM audit.pipeline_steps s
        WHERE s.run_id = r.run_id AND s.status = 'running'
    ) AS d
    ORDER BY r.run_id DESC;
$last_runs$;
COMMENT ON FUNCTION audit.last_runs(integer) IS 'The last runs, newest first, including those that died';

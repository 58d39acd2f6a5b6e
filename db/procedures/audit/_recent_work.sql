-- How long the steps that worked last took, per line of their days: what audit.plan estimates by. Of each step the newest
-- works whose record is still there; the history is not looked at.
--
-- Returns: per step: how many works; seconds and rows per line of the day; the shortest of them, which a work of no lines takes
-- Reads:   audit.step_inputs, audit.pipeline_runs, audit.pipeline_steps, audit.steps
CREATE OR REPLACE FUNCTION audit._recent_work()
RETURNS TABLE (step text, works bigint, seconds_per_line numeric, rows_per_line numeric, least_seconds numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_recent_work$
    SELECT w.step, count(*), sum(t.seconds) / nullif(sum(d.lines), 0), sum(w.rows_in) / nullif(sum(d.lines), 0), min(t.seconds)
    FROM (SELECT i.step, i.run_date, i.rows_in, i.worked_at FROM audit.step_inputs i ORDER BY i.worked_in DESC LIMIT 300) AS w
    CROSS JOIN LATERAL audit._work_seconds(w.step, w.run_date, w.worked_at) AS t (seconds)
    CROSS JOIN LATERAL (
        SELECT sum(c.rows_in) AS lines
        FROM audit.steps s
        JOIN audit.step_inputs c ON c.step = s.step AND c.run_date = w.run_date
        WHERE s.source IS NOT NULL AND (s.step = w.step OR (SELECT o.source FROM audit.steps o WHERE o.step = w.step) IS NULL)
    ) AS d
    WHERE t.seconds IS NOT NULL
    GROUP BY w.step;
$_recent_work$;
COMMENT ON FUNCTION audit._recent_work() IS 'How long the steps that worked last took, per line of their days';

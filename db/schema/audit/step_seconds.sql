CREATE VIEW audit.step_seconds AS
SELECT DISTINCT ON (r.run_date, p.step)
       r.run_date,
       p.step,
       s.position,
       round(extract(epoch FROM p.ended_at - p.started_at), 3) AS seconds
FROM audit.pipeline_runs r
JOIN audit.pipeline_steps p ON p.run_id = r.run_id AND p.status = 'succeeded'
LEFT JOIN audit.steps s ON s.step = p.step
ORDER BY r.run_date, p.step, p.step_id DESC;

COMMENT ON VIEW audit.step_seconds IS 'One row per day and step: how long its last success took. Filter by run_date.';
COMMENT ON COLUMN audit.step_seconds.run_date IS 'Day';
COMMENT ON COLUMN audit.step_seconds.step IS 'Step: audit.steps';
COMMENT ON COLUMN audit.step_seconds.position IS 'Order in which run_day calls them; NULL for a step that is no more';
COMMENT ON COLUMN audit.step_seconds.seconds IS 'Seconds; near 0 if the step had nothing to do';

CREATE VIEW audit.day_states AS
SELECT h.run_date,
       h.weekday,
       h.state,
       CASE WHEN h.state <> 'succeeded' THEN h.state
            WHEN v.criticals IS NOT NULL THEN 'let through'
            WHEN v.warnings IS NOT NULL THEN 'warned'
            ELSE 'good' END AS health,
       CASE h.state
            WHEN 'succeeded' THEN concat_ws('; ', 'let through although these rules failed: ' || v.criticals, 'rules that failed: ' || v.warnings)
            WHEN 'blocked' THEN concat_ws('; ', 'rules that block it: ' || v.criticals, 'rules that failed: ' || v.warnings)
            WHEN 'failed' THEN concat('its last run failed', ' in ' || s.step)
            WHEN 'not run yet' THEN 'it was delivered, and not run'
            ELSE 'its last run is not over' END AS why,
       h.runs,
       h.order_lines,
       h.events,
       h.rejected,
       h.net_revenue,
       v.failed_criticals,
       v.failed_warnings
FROM audit.day_health h
CROSS JOIN LATERAL (
    SELECT string_agg(w.rule_name, ', ' ORDER BY w.rule_name) FILTER (WHERE w.severity = 'critical') AS criticals,
           string_agg(w.rule_name, ', ' ORDER BY w.rule_name) FILTER (WHERE w.severity <> 'critical') AS warnings,
           count(*) FILTER (WHERE w.severity = 'critical') AS failed_criticals,
           count(*) FILTER (WHERE w.severity <> 'critical') AS failed_warnings
    FROM audit.last_verdicts w
    WHERE w.run_date = h.run_date AND NOT w.passed
) AS v
LEFT JOIN LATERAL (
    SELECT p.step
    FROM audit.pipeline_steps p
    WHERE p.run_id = (SELECT max(r.run_id) FROM audit.pipeline_runs r WHERE r.run_date = h.run_date) AND p.status = 'failed'
    ORDER BY p.step_id DESC
    LIMIT 1
) AS s ON true;

COMMENT ON VIEW audit.day_states IS 'One row per day that was delivered or run: its health in a word, and why. Filter by run_date.';
COMMENT ON COLUMN audit.day_states.run_date IS 'Day';
COMMENT ON COLUMN audit.day_states.weekday IS 'Its name in English';
COMMENT ON COLUMN audit.day_states.state IS 'running, succeeded, failed or blocked: how its last run stands; or not run yet';
COMMENT ON COLUMN audit.day_states.health IS 'state; but good, warned or let through in place of succeeded: by the rules that failed';
COMMENT ON COLUMN audit.day_states.why IS 'Why it is not good, in words; empty if it is';
COMMENT ON COLUMN audit.day_states.runs IS 'Runs so far';
COMMENT ON COLUMN audit.day_states.order_lines IS 'Order lines in the facts; NULL while it is not run';
COMMENT ON COLUMN audit.day_states.events IS 'Events in the facts; NULL while it is not run';
COMMENT ON COLUMN audit.day_states.rejected IS 'Order lines and events rejected; NULL while it is not run';
COMMENT ON COLUMN audit.day_states.net_revenue IS 'Revenue of the statuses that count as a sale, less what was refunded of it; NULL while it is not run';
COMMENT ON COLUMN audit.day_states.failed_criticals IS 'Critical rules that the newest run that judged it found broken';
COMMENT ON COLUMN audit.day_states.failed_warnings IS 'Warnings that it found';

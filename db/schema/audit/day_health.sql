CREATE VIEW audit.day_health AS
SELECT d.run_date,
       to_char(d.run_date::timestamp, 'FMDay') AS weekday,
       coalesce(m.status, 'not run yet') AS state,
       r.runs,
       m.fact_orders_count AS order_lines,
       m.fact_events_count AS events,
       m.rejected_orders_count + m.rejected_events_count AS rejected,
       m.net_revenue,
       v.failed_rules,
       r.last_error
FROM (
    SELECT l.run_date FROM raw.file_loads l
    UNION
    SELECT p.run_date FROM audit.pipeline_runs p
) AS d
LEFT JOIN warehouse.daily_metrics m ON m.run_date = d.run_date
CROSS JOIN LATERAL (
    SELECT count(*) AS runs, (array_agg(p.error ORDER BY p.run_id DESC))[1] AS last_error
    FROM audit.pipeline_runs p
    WHERE p.run_date = d.run_date
) AS r
CROSS JOIN LATERAL (
    SELECT string_agg(w.rule_name, ', ' ORDER BY w.rule_name) AS failed_rules
    FROM audit.last_verdicts w
    WHERE w.run_date = d.run_date AND NOT w.passed
) AS v;

COMMENT ON VIEW audit.day_health IS 'One row per day that was delivered or run: how it stands';
COMMENT ON COLUMN audit.day_health.run_date IS 'Day';
COMMENT ON COLUMN audit.day_health.weekday IS 'Its name in English';
COMMENT ON COLUMN audit.day_health.state IS 'running, succeeded, failed or blocked: how its last run stands; or not run yet';
COMMENT ON COLUMN audit.day_health.runs IS 'Runs so far';
COMMENT ON COLUMN audit.day_health.order_lines IS 'Order lines in the facts; NULL while it is not run';
COMMENT ON COLUMN audit.day_health.events IS 'Events in the facts; NULL while it is not run';
COMMENT ON COLUMN audit.day_health.rejected IS 'Order lines and events rejected; NULL while it is not run';
COMMENT ON COLUMN audit.day_health.net_revenue IS 'Revenue of the statuses that count as a sale, less what was refunded of it; NULL while it is not run';
COMMENT ON COLUMN audit.day_health.failed_rules IS 'Rules that the newest run that judged it found broken; NULL for none';
COMMENT ON COLUMN audit.day_health.last_error IS 'What ended its last run; NULL if that succeeded';

CREATE VIEW audit.needs_look AS
SELECT s.run_date, 1 AS place, s.health AS kind, NULL::text AS subject,
       format('%s %s is %s', s.weekday, s.run_date, CASE s.state WHEN 'not run yet' THEN 'delivered, and not run' ELSE s.state END)
       || CASE s.state WHEN 'succeeded' THEN '' WHEN 'running' THEN '' ELSE ': ' || s.why END AS in_words
FROM audit.day_states s
WHERE s.state IN ('blocked', 'failed', 'not run yet')
UNION ALL
SELECT v.run_date, CASE v.check_type WHEN 'unusual' THEN 2 ELSE 3 END, CASE v.check_type WHEN 'unusual' THEN 'unusual' ELSE 'rule' END, v.rule_name,
       CASE v.check_type WHEN 'unusual' THEN v.in_words ELSE format('%s (%s): %s', v.rule_name, v.severity, v.in_words) END
FROM audit.rule_history v
WHERE NOT v.passed
UNION ALL
SELECT a.run_date, 4, 'alert', a.alert, a.message
FROM audit.alerts a
UNION ALL
SELECT f.last_day, 5, 'late source', f.source,
       format('%s of %s have not come; they were due on %s UTC', f.source, f.due_day, to_char(f.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'))
FROM audit.freshness f
WHERE f.is_late;

COMMENT ON VIEW audit.needs_look IS 'One row per thing that somebody should look at: days that are blocked, failed or not run, unusual days, other rules that failed, alerts, late sources. Filter by run_date.';
COMMENT ON COLUMN audit.needs_look.run_date IS 'Day; of a late source, the newest that came';
COMMENT ON COLUMN audit.needs_look.place IS 'Most urgent first, from 1';
COMMENT ON COLUMN audit.needs_look.kind IS 'blocked, failed, not run yet, unusual, rule, alert or late source';
COMMENT ON COLUMN audit.needs_look.subject IS 'Rule, alert or source; NULL if it is about the day';
COMMENT ON COLUMN audit.needs_look.in_words IS 'What is the matter';

CREATE VIEW audit.last_verdicts AS
SELECT r.run_date,
       r.run_id,
       r.rule_name,
       r.check_type,
       r.severity,
       r.passed,
       r.failed_count,
       r.checked_count,
       r.observed,
       r.message,
       r.sample,
       r.checked_at
FROM audit.dq_results r
WHERE r.run_id = (SELECT max(n.run_id) FROM audit.dq_results n WHERE n.run_date = r.run_date);

COMMENT ON VIEW audit.last_verdicts IS 'One row per rule and day: what the newest run that judged the day found. Filter by run_date.';
COMMENT ON COLUMN audit.last_verdicts.run_date IS 'Day that was judged';
COMMENT ON COLUMN audit.last_verdicts.run_id IS 'Run that judged';
COMMENT ON COLUMN audit.last_verdicts.rule_name IS 'Rule as it was called then: audit.dq_rules';
COMMENT ON COLUMN audit.last_verdicts.check_type IS 'Kind of check of the rule';
COMMENT ON COLUMN audit.last_verdicts.severity IS 'critical blocks the day, warning does not';
COMMENT ON COLUMN audit.last_verdicts.passed IS 'Whether the day keeps the rule';
COMMENT ON COLUMN audit.last_verdicts.failed_count IS 'Rows that break it; for a rule about the day as a whole 1 if it fails';
COMMENT ON COLUMN audit.last_verdicts.checked_count IS 'Rows looked at; NULL for a rule about the day as a whole';
COMMENT ON COLUMN audit.last_verdicts.observed IS 'The number that was compared with the thresholds; NULL for a rule about rows';
COMMENT ON COLUMN audit.last_verdicts.message IS 'The verdict in words';
COMMENT ON COLUMN audit.last_verdicts.sample IS 'Keys of up to five rows that break it';
COMMENT ON COLUMN audit.last_verdicts.checked_at IS 'When it was judged';

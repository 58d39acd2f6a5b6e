CREATE VIEW audit.rule_history AS
SELECT v.run_date,
       v.rule_name,
       v.check_type,
       v.severity,
       v.passed,
       v.failed_count,
       v.checked_count,
       v.observed,
       r.min_value,
       r.max_value,
       -- What PostgreSQL says of a rule that it cannot evaluate may quote a value.
       regexp_replace(v.message, '^(the rule cannot be evaluated):.*$', '\1') AS in_words
FROM audit.last_verdicts v
LEFT JOIN audit.dq_rules r ON r.rule_name = v.rule_name;

COMMENT ON VIEW audit.rule_history IS 'One row per rule and day: what the newest run that judged the day found, without samples. Filter by run_date.';
COMMENT ON COLUMN audit.rule_history.run_date IS 'Day that was judged';
COMMENT ON COLUMN audit.rule_history.rule_name IS 'Rule as it was called then: audit.dq_rules';
COMMENT ON COLUMN audit.rule_history.check_type IS 'Kind of check of the rule';
COMMENT ON COLUMN audit.rule_history.severity IS 'critical blocks the day, warning does not';
COMMENT ON COLUMN audit.rule_history.passed IS 'Whether the day keeps the rule';
COMMENT ON COLUMN audit.rule_history.failed_count IS 'Rows that break it; for a rule about the day as a whole 1 if it fails';
COMMENT ON COLUMN audit.rule_history.checked_count IS 'Rows looked at; NULL for a rule about the day as a whole';
COMMENT ON COLUMN audit.rule_history.observed IS 'The number that was compared with the thresholds; NULL for a rule about rows';
COMMENT ON COLUMN audit.rule_history.min_value IS 'The number must not be below it: as the rule is now; NULL for no bound';
COMMENT ON COLUMN audit.rule_history.max_value IS 'The number must not be above it: as the rule is now; NULL for no bound';
COMMENT ON COLUMN audit.rule_history.in_words IS 'The verdict in words';

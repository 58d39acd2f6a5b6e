CREATE VIEW audit.dq_failures AS
SELECT run_id, run_date, rule_name, check_type, severity, failed_count, checked_count, observed, message, sample,
       checked_at
FROM audit.dq_results
WHERE NOT passed;

COMMENT ON VIEW audit.dq_failures IS 'One row per failed rule and run';
COMMENT ON COLUMN audit.dq_failures.run_id IS 'Run that judged';
COMMENT ON COLUMN audit.dq_failures.run_date IS 'Day that was judged';
COMMENT ON COLUMN audit.dq_failures.rule_name IS 'Rule that failed';
COMMENT ON COLUMN audit.dq_failures.check_type IS 'Kind of check of the rule';
COMMENT ON COLUMN audit.dq_failures.severity IS 'critical blocks the day, warning does not';
COMMENT ON COLUMN audit.dq_failures.failed_count IS 'Rows that break it; 1 for a rule about the day as a whole';
COMMENT ON COLUMN audit.dq_failures.checked_count IS 'Rows looked at; NULL for a rule about the day as a whole';
COMMENT ON COLUMN audit.dq_failures.observed IS 'The number that was compared with the thresholds';
COMMENT ON COLUMN audit.dq_failures.message IS 'The verdict in words';
COMMENT ON COLUMN audit.dq_failures.sample IS 'Keys of up to five rows that break it';
COMMENT ON COLUMN audit.dq_failures.checked_at IS 'When it was judged';

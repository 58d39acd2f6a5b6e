CREATE VIEW audit.rules AS
SELECT r.rule_name,
       r.check_type,
       r.table_name,
       r.severity,
       r.enabled,
       r.min_value,
       r.max_value,
       nullif(concat_ws(' and ', 'at least ' || trim_scale(r.min_value), 'at most ' || trim_scale(r.max_value)), '') AS allowed,
       r.description
FROM audit.dq_rules r;

COMMENT ON VIEW audit.rules IS 'One row per quality rule: what it allows, and what it is for';
COMMENT ON COLUMN audit.rules.rule_name IS 'What it is called';
COMMENT ON COLUMN audit.rules.check_type IS 'Kind of check, for people';
COMMENT ON COLUMN audit.rules.table_name IS 'Staging table whose day it looks at; NULL for a scalar of its own';
COMMENT ON COLUMN audit.rules.severity IS 'critical blocks the day, warning does not';
COMMENT ON COLUMN audit.rules.enabled IS 'false: it is switched off';
COMMENT ON COLUMN audit.rules.min_value IS 'The number must not be below it; NULL for no bound';
COMMENT ON COLUMN audit.rules.max_value IS 'The number must not be above it; NULL for no bound';
COMMENT ON COLUMN audit.rules.allowed IS 'The thresholds in words; NULL for a rule about rows';
COMMENT ON COLUMN audit.rules.description IS 'What it is for and what to do when it fails';

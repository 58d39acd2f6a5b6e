CREATE VIEW audit.days_let_through AS
SELECT o.run_date,
       o.reason,
       o.allowed_by,
       o.allowed_at,
       o.used_by_run_id IS NOT NULL AS is_used
FROM audit.dq_overrides o;

COMMENT ON VIEW audit.days_let_through IS 'One row per blocked staging of a day that somebody let through: who and why. Filter by run_date.';
COMMENT ON COLUMN audit.days_let_through.run_date IS 'Day let through';
COMMENT ON COLUMN audit.days_let_through.reason IS 'Why, in the words of who allowed it';
COMMENT ON COLUMN audit.days_let_through.allowed_by IS 'Role that was logged in';
COMMENT ON COLUMN audit.days_let_through.allowed_at IS 'When';
COMMENT ON COLUMN audit.days_let_through.is_used IS 'Whether a run has passed by it';

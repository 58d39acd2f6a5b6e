-- Waits that name what they wait for, and end; rules with a time limit.
ALTER TABLE audit.pipeline_steps ADD COLUMN lock_key integer;
COMMENT ON COLUMN audit.pipeline_steps.step_id IS 'Number of the step';
COMMENT ON COLUMN audit.pipeline_steps.lock_key IS 'Key of the advisory lock that this process holds while it runs the step, so that a step that died can be told from one that runs; a random number';

INSERT INTO audit.settings (name, value, description) VALUES
    ('lock_notice_s', '3', 'Seconds: when a step, load or compaction that waits for another session says which one; NULL is never'),
    ('lock_wait_s', '900', 'Seconds: how long it waits before it gives up with WH006; a session''s own lock_timeout takes precedence. NULL is a day'),
    ('rule_limit_s', '600', 'Seconds: how long the rules of a day may take before the command line cancels the gate; NULL is no limit')
ON CONFLICT ON CONSTRAINT settings_pkey DO NOTHING;
-- Extracts may run meanwhile, between two of their transactions: their sessions hold the old key.
UPDATE audit.pipeline_steps SET lock_key = step_id WHERE status = 'running' AND step_id <= 2147483647;

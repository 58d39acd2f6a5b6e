-- Waits that tell for whom and end; rules with a time limit.
ALTER TABLE audit.pipeline_steps ADD COLUMN lock_key integer;
COMMENT ON COLUMN audit.pipeline_steps.step_id IS 'Number of the step';
COMMENT ON COLUMN audit.pipeline_steps.lock_key IS 'Key of the advisory lock that this process holds while it runs the step, so that one that died can be told from one that runs; drawn by lot';

INSERT INTO audit.settings (name, value, description) VALUES
    ('lock_notice_s', '3', 'Seconds: after which a step, load or compaction that waits for another says for whom; NULL: never'),
    ('lock_wait_s', '900', 'Seconds: how long it waits before it gives up with WH006; a session''s own lock_timeout goes before. NULL is a day'),
    ('rule_limit_s', '600', 'Seconds: how long the rules of a day may take before the command line cancels the gate; NULL is no limit')
ON CONFLICT ON CONSTRAINT settings_pkey DO NOTHING;
-- Extracts may run meanwhile, between two transactions of theirs: their sessions hold the key that was.
UPDATE audit.pipeline_steps SET lock_key = step_id WHERE status = 'running' AND step_id <= 2147483647;

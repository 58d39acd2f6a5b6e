CREATE TABLE audit.dq_results (
    run_id        bigint      NOT NULL,
    run_date      date        NOT NULL,
    rule_name     text        NOT NULL,
    check_type    text        NOT NULL,
    severity      text        NOT NULL,
    passed        boolean     NOT NULL,
    failed_count  bigint      NOT NULL,
    checked_count bigint,
    observed      numeric,
    message       text        NOT NULL,
    sample        text[],
    checked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT dq_results_pkey PRIMARY KEY (run_id, rule_name),
    CONSTRAINT dq_results_run_id_fkey FOREIGN KEY (run_id) REFERENCES audit.pipeline_runs (run_id)
);
CREATE INDEX idx_dq_results_run_date ON audit.dq_results (run_date, run_id);

COMMENT ON TABLE audit.dq_results IS 'One row per rule and run, passes too; kept';
COMMENT ON COLUMN audit.dq_results.run_id IS 'Run that judged';
COMMENT ON COLUMN audit.dq_results.run_date IS 'Day that was judged';
COMMENT ON COLUMN audit.dq_results.rule_name IS 'Rule as it was called then: audit.dq_rules';
COMMENT ON COLUMN audit.dq_results.check_type IS 'Kind of check of the rule';
COMMENT ON COLUMN audit.dq_results.severity IS 'critical blocks the day, warning does not';
COMMENT ON COLUMN audit.dq_results.passed IS 'Whether the day keeps the rule';
COMMENT ON COLUMN audit.dq_results.failed_count IS 'Rows that break it; for a rule about the day as a whole 1 if it fails';
COMMENT ON COLUMN audit.dq_results.checked_count IS 'Rows looked at; NULL for a rule about the day as a whole';
COMMENT ON COLUMN audit.dq_results.observed IS 'The number that was compared with the thresholds; NULL for a rule about rows';
COMMENT ON COLUMN audit.dq_results.message IS 'The verdict in words';
COMMENT ON COLUMN audit.dq_results.sample IS 'Keys of up to five rows that break it';
COMMENT ON COLUMN audit.dq_results.checked_at IS 'When it was judged';

CREATE TABLE audit.pipeline_runs (
    run_id       bigint      GENERATED ALWAYS AS IDENTITY,
    run_date     date        NOT NULL,
    status       text        NOT NULL,
    triggered_by text        NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at     timestamptz,
    idle         interval    NOT NULL DEFAULT '0',
    error        text,
    CONSTRAINT pipeline_runs_pkey PRIMARY KEY (run_id),
    CONSTRAINT pipeline_runs_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'blocked'))
);
CREATE INDEX idx_pipeline_runs_run_date ON audit.pipeline_runs (run_date, run_id);

COMMENT ON TABLE audit.pipeline_runs IS 'One row per run of a day';
COMMENT ON COLUMN audit.pipeline_runs.run_id IS 'Number of the run';
COMMENT ON COLUMN audit.pipeline_runs.run_date IS 'Day that was run';
COMMENT ON COLUMN audit.pipeline_runs.status IS 'running, succeeded, failed, or blocked by the quality gate';
COMMENT ON COLUMN audit.pipeline_runs.triggered_by IS 'Who started it: role, and application_name where there is one';
COMMENT ON COLUMN audit.pipeline_runs.started_at IS 'When it began';
COMMENT ON COLUMN audit.pipeline_runs.ended_at IS 'When it ended; NULL while it runs';
COMMENT ON COLUMN audit.pipeline_runs.idle IS 'How long it lay failed or blocked before a step was called again; not part of its runtime';
COMMENT ON COLUMN audit.pipeline_runs.error IS 'Step and message of what ended it, if it did not succeed';

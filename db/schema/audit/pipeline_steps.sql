CREATE TABLE audit.pipeline_steps (
    step_id        bigint      GENERATED ALWAYS AS IDENTITY,
    run_id         bigint      NOT NULL,
    step           text        NOT NULL,
    status         text        NOT NULL,
    started_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at       timestamptz,
    rows_in        bigint,
    rows_out       bigint,
    rows_rejected  bigint,
    rows_duplicate bigint,
    error_sqlstate text,
    error_message  text,
    error_context  text,
    backend_pid    integer     NOT NULL DEFAULT pg_backend_pid(),
    lock_key       integer,
    CONSTRAINT pipeline_steps_pkey PRIMARY KEY (step_id),
    CONSTRAINT pipeline_steps_run_id_fkey FOREIGN KEY (run_id) REFERENCES audit.pipeline_runs (run_id),
    CONSTRAINT pipeline_steps_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'blocked'))
);
CREATE INDEX idx_pipeline_steps_run_id ON audit.pipeline_steps (run_id, step_id);
CREATE INDEX idx_pipeline_steps_running ON audit.pipeline_steps (run_id) WHERE status = 'running';

COMMENT ON TABLE audit.pipeline_steps IS 'One row per step of a run and attempt at it';
COMMENT ON COLUMN audit.pipeline_steps.step_id IS 'Number of the step';
COMMENT ON COLUMN audit.pipeline_steps.run_id IS 'Run that it belongs to';
COMMENT ON COLUMN audit.pipeline_steps.step IS 'Name of the public procedure, without its schema';
COMMENT ON COLUMN audit.pipeline_steps.status IS 'running, succeeded, failed, or blocked by the quality gate';
COMMENT ON COLUMN audit.pipeline_steps.started_at IS 'When it began';
COMMENT ON COLUMN audit.pipeline_steps.ended_at IS 'When it ended; NULL while it runs';
COMMENT ON COLUMN audit.pipeline_steps.rows_in IS 'Rows or lines that it read';
COMMENT ON COLUMN audit.pipeline_steps.rows_out IS 'Rows that its result holds';
COMMENT ON COLUMN audit.pipeline_steps.rows_rejected IS 'Lines that it rejected; for check_quality rows that rules counted';
COMMENT ON COLUMN audit.pipeline_steps.rows_duplicate IS 'Lines that were duplicates; for the facts, superseded by another load';
COMMENT ON COLUMN audit.pipeline_steps.error_sqlstate IS 'SQLSTATE of what ended it';
COMMENT ON COLUMN audit.pipeline_steps.error_message IS 'Message, detail and hint of what ended it';
COMMENT ON COLUMN audit.pipeline_steps.error_context IS 'Where in the code: the PL/pgSQL call stack';
COMMENT ON COLUMN audit.pipeline_steps.backend_pid IS 'Server process that runs or ran it';
COMMENT ON COLUMN audit.pipeline_steps.lock_key IS 'Key of the advisory lock that this process holds while it runs the step, so that a step that died can be told from one that runs; a random number';

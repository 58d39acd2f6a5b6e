CREATE TABLE audit.step_inputs (
    step            text        NOT NULL,
    run_date        date        NOT NULL,
    digest          text        NOT NULL,
    staging_version bigint,
    rows_in         bigint      NOT NULL,
    rows_out        bigint,
    rows_rejected   bigint,
    rows_duplicate  bigint,
    work_number     bigint      GENERATED ALWAYS AS IDENTITY,
    worked_at       timestamptz NOT NULL DEFAULT now(),
    components      jsonb       NOT NULL DEFAULT '{}',
    reads           text[]      DEFAULT '{}',
    seen            pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
    worked_in       xid8        NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT step_inputs_pkey PRIMARY KEY (step, run_date),
    CONSTRAINT step_inputs_step_fkey FOREIGN KEY (step) REFERENCES audit.steps (step) ON DELETE CASCADE
);
-- Every run of a day asks which steps have worked since a verdict.
CREATE INDEX idx_step_inputs_worked_in ON audit.step_inputs (worked_in);

COMMENT ON TABLE audit.step_inputs IS 'One row per step and day that worked: from what it made its result. With the same inputs, and the result still there, it does nothing. Deleting rows makes steps work again.';
COMMENT ON COLUMN audit.step_inputs.step IS 'audit.steps';
COMMENT ON COLUMN audit.step_inputs.run_date IS 'Day of the data';
COMMENT ON COLUMN audit.step_inputs.digest IS 'SHA-256 of all components';
COMMENT ON COLUMN audit.step_inputs.staging_version IS 'Of a cleaning step: the staging that it made';
COMMENT ON COLUMN audit.step_inputs.rows_in IS 'What the step reported then; it reports the same when it is skipped';
COMMENT ON COLUMN audit.step_inputs.rows_out IS 'What the step reported then; it reports the same when it is skipped';
COMMENT ON COLUMN audit.step_inputs.rows_rejected IS 'What the step reported then; it reports the same when it is skipped';
COMMENT ON COLUMN audit.step_inputs.rows_duplicate IS 'What the step reported then; it reports the same when it is skipped';
COMMENT ON COLUMN audit.step_inputs.work_number IS 'Rises with each work of any step';
COMMENT ON COLUMN audit.step_inputs.worked_at IS 'When the step last worked';
COMMENT ON COLUMN audit.step_inputs.components IS 'Each of its inputs (audit.inputs): its parts if it is one of the day, else the digest of a row in audit.input_states; null means not known, and makes the step work';
COMMENT ON COLUMN audit.step_inputs.reads IS 'For check_quality: other tables that its rules read; NULL if that is not known, and then the day is judged each time';
COMMENT ON COLUMN audit.step_inputs.seen IS 'Transactions whose changes it saw; a step that worked in another transaction is newer';
COMMENT ON COLUMN audit.step_inputs.worked_in IS 'Transaction that last changed what the step made';

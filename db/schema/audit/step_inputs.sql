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
    CONSTRAINT step_inputs_pkey PRIMARY KEY (step, run_date)
);
CREATE INDEX idx_step_inputs_work_number ON audit.step_inputs (work_number);

COMMENT ON TABLE audit.step_inputs IS 'One row per step and day that worked: from what it made its result. With the same inputs, and the result still there, it does nothing. Deleting rows makes steps work again.';
COMMENT ON COLUMN audit.step_inputs.step IS 'Public procedure: clean_orders, check_quality, …';
COMMENT ON COLUMN audit.step_inputs.run_date IS 'Day of the data';
COMMENT ON COLUMN audit.step_inputs.digest IS 'SHA-256 of all inputs: deliveries in force or staging, codes, settings, rules, overrides, the text of the routines, the schema''s revision';
COMMENT ON COLUMN audit.step_inputs.staging_version IS 'Of a cleaning step: the staging that it made';
COMMENT ON COLUMN audit.step_inputs.rows_in IS 'What the step said then; the same is said again';
COMMENT ON COLUMN audit.step_inputs.rows_out IS 'What the step said then; the same is said again';
COMMENT ON COLUMN audit.step_inputs.rows_rejected IS 'What the step said then; the same is said again';
COMMENT ON COLUMN audit.step_inputs.rows_duplicate IS 'What the step said then; the same is said again';
COMMENT ON COLUMN audit.step_inputs.work_number IS 'Rises with each work of any step: whether another day has changed since';
COMMENT ON COLUMN audit.step_inputs.worked_at IS 'When the step last worked';

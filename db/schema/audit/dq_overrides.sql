CREATE TABLE audit.dq_overrides (
    override_id      bigint      GENERATED ALWAYS AS IDENTITY,
    run_date         date        NOT NULL,
    reason           text        NOT NULL,
    allowed_by       text        NOT NULL,
    allowed_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    staging_versions bigint[]    NOT NULL,
    used_by_run_id   bigint,
    CONSTRAINT dq_overrides_pkey PRIMARY KEY (override_id),
    CONSTRAINT dq_overrides_staging_key UNIQUE (run_date, staging_versions),
    CONSTRAINT dq_overrides_used_by_run_id_fkey FOREIGN KEY (used_by_run_id) REFERENCES audit.pipeline_runs (run_id),
    CONSTRAINT dq_overrides_reason_check CHECK (btrim(reason) <> '')
);
COMMENT ON TABLE audit.dq_overrides IS 'One row per blocked staging that somebody let through: CALL audit.allow_day(load_date, reason)';
COMMENT ON COLUMN audit.dq_overrides.override_id IS 'Number of the override';
COMMENT ON COLUMN audit.dq_overrides.run_date IS 'Day let through';
COMMENT ON COLUMN audit.dq_overrides.reason IS 'Why, in the words of who allowed it';
COMMENT ON COLUMN audit.dq_overrides.allowed_by IS 'Role that was logged in';
COMMENT ON COLUMN audit.dq_overrides.allowed_at IS 'When';
COMMENT ON COLUMN audit.dq_overrides.staging_versions IS 'The staging it holds for: versions of orders, events and products in staging.loads, 0 where there is none';
COMMENT ON COLUMN audit.dq_overrides.used_by_run_id IS 'First run that it let through; NULL until then';

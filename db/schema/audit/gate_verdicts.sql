CREATE TABLE audit.gate_verdicts (
    run_date         date        NOT NULL,
    staging_versions bigint[]    NOT NULL,
    passed           boolean     NOT NULL,
    run_id           bigint      NOT NULL,
    judged_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT gate_verdicts_pkey PRIMARY KEY (run_date),
    CONSTRAINT gate_verdicts_run_id_fkey FOREIGN KEY (run_id) REFERENCES audit.pipeline_runs (run_id)
);
COMMENT ON TABLE audit.gate_verdicts IS 'One row per day: the last verdict of the quality gate, and the staging that it holds for';
COMMENT ON COLUMN audit.gate_verdicts.run_date IS 'Day judged';
COMMENT ON COLUMN audit.gate_verdicts.staging_versions IS 'Versions of orders, events and products in staging.loads that were judged, 0 where there is none';
COMMENT ON COLUMN audit.gate_verdicts.passed IS 'Whether that staging may be loaded';
COMMENT ON COLUMN audit.gate_verdicts.run_id IS 'Run that judged';
COMMENT ON COLUMN audit.gate_verdicts.judged_at IS 'When';

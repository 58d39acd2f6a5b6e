CREATE TABLE audit.profile_digests (
    run_date date NOT NULL,
    source   text NOT NULL,
    digest   text NOT NULL,
    CONSTRAINT profile_digests_pkey PRIMARY KEY (run_date, source),
    CONSTRAINT profile_digests_source_fkey FOREIGN KEY (source) REFERENCES raw.sources (source)
);
COMMENT ON TABLE audit.profile_digests IS 'One row per day and source: what audit.day_profile and audit.day_codes hold of it, as one digest. A verdict of the gate is judged again when one of its weeks changes.';
COMMENT ON COLUMN audit.profile_digests.run_date IS 'Day of the deliveries';
COMMENT ON COLUMN audit.profile_digests.source IS 'orders, events or products';
COMMENT ON COLUMN audit.profile_digests.digest IS 'SHA-256';

CREATE TABLE raw.dropped_months (
    run_month    date        NOT NULL,
    last_load_id bigint      NOT NULL,
    dropped_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dropped_months_pkey PRIMARY KEY (run_month, last_load_id)
);
COMMENT ON TABLE raw.dropped_months IS 'One row per month of raw that retention dropped. Its days can be run again only when their files are delivered again.';
COMMENT ON COLUMN raw.dropped_months.run_month IS 'First day of the month';
COMMENT ON COLUMN raw.dropped_months.last_load_id IS 'Deliveries of that month up to this one are gone';
COMMENT ON COLUMN raw.dropped_months.dropped_at IS 'When it was dropped';

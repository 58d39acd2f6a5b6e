CREATE TABLE staging.loads (
    load_date       date        NOT NULL,
    source          text        NOT NULL,
    staging_version bigint      NOT NULL,
    raw_count       bigint      NOT NULL,
    delivered_count bigint      NOT NULL,
    clean_count     bigint      NOT NULL,
    duplicate_count bigint      NOT NULL,
    rejected_count  bigint      NOT NULL,
    load_ids        bigint[]    NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    currencies      text[],
    changed_count   bigint,
    likely_fields   jsonb,
    CONSTRAINT loads_pkey PRIMARY KEY (source, load_date),
    CONSTRAINT loads_source_fkey FOREIGN KEY (source) REFERENCES raw.sources (source)
);
CREATE SEQUENCE staging.staging_versions AS bigint OWNED BY staging.loads.staging_version;
COMMENT ON SEQUENCE staging.staging_versions IS 'Numbers the states of staging that the gate may judge';
COMMENT ON TABLE staging.loads IS 'One row per source and day that was cleaned: what became of its lines, and which state of staging that is';
COMMENT ON COLUMN staging.loads.load_date IS 'Day that was cleaned';
COMMENT ON COLUMN staging.loads.source IS 'raw.sources: orders, events or products';
COMMENT ON COLUMN staging.loads.staging_version IS 'Changes when a row of that day''s staging changes; a pass of the gate holds for one version';
COMMENT ON COLUMN staging.loads.raw_count IS 'Rows of raw in the deliveries in force (orders, events, products)';
COMMENT ON COLUMN staging.loads.delivered_count IS 'Lines delivered: clean + duplicate + rejected';
COMMENT ON COLUMN staging.loads.clean_count IS 'Lines in staging';
COMMENT ON COLUMN staging.loads.duplicate_count IS 'Lines of reports that a later one of the same day replaced';
COMMENT ON COLUMN staging.loads.rejected_count IS 'Lines rejected: the sum of line_count in audit.bad_records';
COMMENT ON COLUMN staging.loads.load_ids IS 'Deliveries in force that were read, in the order of their names';
COMMENT ON COLUMN staging.loads.created_at IS 'When the day was first cleaned';
COMMENT ON COLUMN staging.loads.updated_at IS 'When this row last changed';
COMMENT ON COLUMN staging.loads.currencies IS 'Of orders: the currencies that their amounts are in; more than one blocks the day. NULL if nobody says: neither an order nor the setting currency';
COMMENT ON COLUMN staging.loads.changed_count IS 'Of the duplicate lines of orders, those of reports whose lines differ from those of the report that replaced them; NULL for other sources';
COMMENT ON COLUMN staging.loads.likely_fields IS 'If no clean row of the day has a user, or no event a product: the fields of its records that look like one, as in {"user_id": "customer_id"}; empty if none does. NULL if some row has them';

CREATE TABLE staging.events_clean (
    staging_events_id bigint      NOT NULL,
    load_date         date        NOT NULL,
    event_id          text        COLLATE "C" NOT NULL,
    user_id           text        COLLATE "C",
    product_id        text        COLLATE "C",
    event_type        text        NOT NULL,
    event_ts          timestamptz NOT NULL,
    raw_events_id     bigint      NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    attributes        jsonb,
    emptied           text[]
) PARTITION BY RANGE (load_date);
CREATE UNIQUE INDEX idx_events_clean_event ON staging.events_clean (event_id, event_ts, load_date);
ALTER TABLE staging.events_clean REPLICA IDENTITY USING INDEX idx_events_clean_event;

COMMENT ON TABLE staging.events_clean IS 'One row per event and load. Partitioned by load_date.';
COMMENT ON COLUMN staging.events_clean.staging_events_id IS 'raw_events_id';
COMMENT ON COLUMN staging.events_clean.load_date IS 'Day of the delivery';
COMMENT ON COLUMN staging.events_clean.event_id IS 'Of the source';
COMMENT ON COLUMN staging.events_clean.user_id IS 'Of the source; NULL for a guest';
COMMENT ON COLUMN staging.events_clean.product_id IS 'Of the source; NULL if the event is about none';
COMMENT ON COLUMN staging.events_clean.event_type IS 'Canonical type: staging.codes; in lower case if it is not mapped';
COMMENT ON COLUMN staging.events_clean.event_ts IS 'When it happened';
COMMENT ON COLUMN staging.events_clean.raw_events_id IS 'Raw row that it came from: raw.events_csv';
COMMENT ON COLUMN staging.events_clean.created_at IS 'When this event of this load was first cleaned';
COMMENT ON COLUMN staging.events_clean.updated_at IS 'When a business column of it last changed';
COMMENT ON COLUMN staging.events_clean.attributes IS 'Custom fields of the event: those of staging.fields without a column; NULL if there are none';
COMMENT ON COLUMN staging.events_clean.emptied IS 'Custom fields that were left empty because their kind does not allow their value; NULL if there are none';

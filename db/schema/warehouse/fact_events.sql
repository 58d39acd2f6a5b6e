CREATE TABLE warehouse.fact_events (
    fact_events_id    bigint NOT NULL,
    event_id          text COLLATE "C" NOT NULL,
    user_id           text COLLATE "C" NOT NULL,
    product_id        text COLLATE "C" NOT NULL,
    date_id           integer NOT NULL,
    event_type        text NOT NULL,
    event_ts          timestamptz NOT NULL,
    load_date         date NOT NULL,
    staging_events_id bigint NOT NULL,
    attributes        jsonb,
    CONSTRAINT fact_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES warehouse.dim_user (user_id),
    CONSTRAINT fact_events_product_id_fkey FOREIGN KEY (product_id) REFERENCES warehouse.dim_product (product_id),
    CONSTRAINT fact_events_date_id_fkey FOREIGN KEY (date_id) REFERENCES warehouse.dim_date (date_id)
) PARTITION BY RANGE (load_date);
CREATE UNIQUE INDEX idx_fact_events_event ON warehouse.fact_events (event_id, event_ts, load_date);
ALTER TABLE warehouse.fact_events REPLICA IDENTITY USING INDEX idx_fact_events_event;
CREATE INDEX idx_fact_events_date_id ON warehouse.fact_events (date_id);
CREATE INDEX idx_fact_events_user_id ON warehouse.fact_events (user_id);
CREATE INDEX idx_fact_events_product_id ON warehouse.fact_events (product_id);

COMMENT ON TABLE warehouse.fact_events IS 'One row per event. An event counts once, in the last load that has it. Partitioned by load_date.';
COMMENT ON COLUMN warehouse.fact_events.fact_events_id IS 'staging_events_id of the event: lineage is an equality';
COMMENT ON COLUMN warehouse.fact_events.event_id IS 'Of the source';
COMMENT ON COLUMN warehouse.fact_events.user_id IS 'warehouse.dim_user; (guest) without one';
COMMENT ON COLUMN warehouse.fact_events.product_id IS 'warehouse.dim_product; (none) without one';
COMMENT ON COLUMN warehouse.fact_events.date_id IS 'Day on which it happened (the shop''s: setting time_zone): warehouse.dim_date';
COMMENT ON COLUMN warehouse.fact_events.event_type IS 'Canonical type';
COMMENT ON COLUMN warehouse.fact_events.event_ts IS 'When it happened';
COMMENT ON COLUMN warehouse.fact_events.load_date IS 'Load that the event is of: the last one that has it';
COMMENT ON COLUMN warehouse.fact_events.staging_events_id IS 'Row of staging.events_clean';
COMMENT ON COLUMN warehouse.fact_events.attributes IS 'Custom fields of the event, by name: staging.fields; NULL if there are none';

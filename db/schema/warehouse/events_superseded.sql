CREATE TABLE warehouse.events_superseded (
    fact_events_id    bigint NOT NULL,
    event_id          text COLLATE "C" NOT NULL,
    user_id           text COLLATE "C" NOT NULL,
    product_id        text COLLATE "C" NOT NULL,
    date_id           integer NOT NULL,
    event_type        text NOT NULL,
    event_ts          timestamptz NOT NULL,
    load_date         date NOT NULL,
    staging_events_id bigint NOT NULL,
    CONSTRAINT events_superseded_pkey PRIMARY KEY (event_id, event_ts, load_date)
);
CREATE INDEX idx_events_superseded_load_date ON warehouse.events_superseded (load_date);

COMMENT ON TABLE warehouse.events_superseded IS 'One row per event of a load that a later load reported again. It comes back when that later load is corrected.';
COMMENT ON COLUMN warehouse.events_superseded.fact_events_id IS 'staging_events_id of the event: lineage is an equality';
COMMENT ON COLUMN warehouse.events_superseded.event_id IS 'Of the source';
COMMENT ON COLUMN warehouse.events_superseded.user_id IS 'warehouse.dim_user; (guest) without one';
COMMENT ON COLUMN warehouse.events_superseded.product_id IS 'warehouse.dim_product; (none) without one';
COMMENT ON COLUMN warehouse.events_superseded.date_id IS 'Day on which it happened (UTC): warehouse.dim_date';
COMMENT ON COLUMN warehouse.events_superseded.event_type IS 'Canonical type';
COMMENT ON COLUMN warehouse.events_superseded.event_ts IS 'When it happened';
COMMENT ON COLUMN warehouse.events_superseded.load_date IS 'Load that the event is of: the last one that has it';
COMMENT ON COLUMN warehouse.events_superseded.staging_events_id IS 'Row of staging.events_clean';

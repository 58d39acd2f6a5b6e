CREATE TABLE warehouse.late_events (
    event_id  text        COLLATE "C" NOT NULL,
    event_ts  timestamptz NOT NULL,
    load_date date        NOT NULL,
    CONSTRAINT late_events_pkey PRIMARY KEY (event_id, event_ts, load_date)
);
CREATE INDEX idx_late_events_load_date ON warehouse.late_events (load_date);
CREATE INDEX idx_late_events_event_ts ON warehouse.late_events (event_ts);
COMMENT ON TABLE warehouse.late_events IS 'One row per loaded event that came later than its own day (the shop''s: setting time_zone). Only these can repeat an event of another load, so only these are compared.';
COMMENT ON COLUMN warehouse.late_events.event_id IS 'Of the source';
COMMENT ON COLUMN warehouse.late_events.event_ts IS 'When it happened';
COMMENT ON COLUMN warehouse.late_events.load_date IS 'Load that brought it';

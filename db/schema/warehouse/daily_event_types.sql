CREATE TABLE warehouse.daily_event_types (
    load_date  date   NOT NULL,
    event_type text   COLLATE "C" NOT NULL,
    events     bigint NOT NULL,
    CONSTRAINT daily_event_types_pkey PRIMARY KEY (load_date, event_type)
);
COMMENT ON TABLE warehouse.daily_event_types IS 'One row per day and type of its events in fact_events, kept by the steps that change the facts. Types longer than 100 bytes are not in it.';
COMMENT ON COLUMN warehouse.daily_event_types.load_date IS 'Load that the events are of';
COMMENT ON COLUMN warehouse.daily_event_types.event_type IS 'Canonical type';
COMMENT ON COLUMN warehouse.daily_event_types.events IS 'Events of it';

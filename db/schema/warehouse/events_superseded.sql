-- It has the columns of fact_events: one that is added there is added here, with the same ALTER TABLE.
CREATE TABLE warehouse.events_superseded (
    LIKE warehouse.fact_events INCLUDING COMMENTS,
    CONSTRAINT events_superseded_pkey PRIMARY KEY (event_id, event_ts, load_date)
);
CREATE INDEX idx_events_superseded_load_date ON warehouse.events_superseded (load_date);

COMMENT ON TABLE warehouse.events_superseded IS 'One row per event of a load that a later load reported again. It comes back when that later load is corrected.';

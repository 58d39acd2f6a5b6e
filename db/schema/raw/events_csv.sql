CREATE SEQUENCE raw.raw_events_ids AS bigint CACHE 1000;
COMMENT ON SEQUENCE raw.raw_events_ids IS 'Numbers the rows of raw.events_csv';
CREATE TABLE raw.events_csv (
    raw_events_id bigint      NOT NULL DEFAULT nextval('raw.raw_events_ids'),
    load_id       bigint      NOT NULL,
    run_date      date        NOT NULL,
    line_number   integer     NOT NULL,
    ingested_at   timestamptz NOT NULL DEFAULT now(),
    event_id      text,
    user_id       text,
    product_id    text,
    event_type    text,
    event_ts      text,
    extra         json
) PARTITION BY RANGE (run_date);
-- It has no key, which would double the time of COPY: a publication identifies its rows by all columns.
ALTER TABLE raw.events_csv REPLICA IDENTITY FULL;
-- Rows of a delivery lie together: a BRIN index finds a day without costing COPY anything worth mentioning.
CREATE INDEX idx_events_csv_load ON raw.events_csv USING brin (run_date, load_id, raw_events_id) WITH (pages_per_range = 16, autosummarize = on);

COMMENT ON TABLE raw.events_csv IS 'One row per event line delivered, as text. Partitioned by month of run_date; never updated or deleted.';
COMMENT ON COLUMN raw.events_csv.raw_events_id IS 'Number of the raw row; ids of staging and facts derive from it';
COMMENT ON COLUMN raw.events_csv.load_id IS 'Delivery that brought it: raw.file_loads';
COMMENT ON COLUMN raw.events_csv.run_date IS 'Day of the delivery';
COMMENT ON COLUMN raw.events_csv.line_number IS 'Line of the file on which it began, the header is line 1; of JSON as in orders_json';
COMMENT ON COLUMN raw.events_csv.ingested_at IS 'When it was loaded';
COMMENT ON COLUMN raw.events_csv.event_id IS 'As delivered';
COMMENT ON COLUMN raw.events_csv.user_id IS 'As delivered';
COMMENT ON COLUMN raw.events_csv.product_id IS 'As delivered';
COMMENT ON COLUMN raw.events_csv.event_type IS 'As delivered';
COMMENT ON COLUMN raw.events_csv.event_ts IS 'As delivered';
COMMENT ON COLUMN raw.events_csv.extra IS 'What else the record has: columns that the header adds as texts, members of a JSON record as delivered; NULL if there is nothing';

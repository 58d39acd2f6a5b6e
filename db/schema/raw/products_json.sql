CREATE SEQUENCE raw.raw_products_ids AS bigint CACHE 1000;
COMMENT ON SEQUENCE raw.raw_products_ids IS 'Numbers the rows of raw.products_json';
CREATE TABLE raw.products_json (
    raw_products_id bigint      NOT NULL DEFAULT nextval('raw.raw_products_ids'),
    load_id         bigint      NOT NULL,
    run_date        date        NOT NULL,
    line_number     integer     NOT NULL,
    ingested_at     timestamptz NOT NULL DEFAULT now(),
    raw_json        json        NOT NULL
) PARTITION BY RANGE (run_date);
-- It has no key, which would double the time of COPY: a publication identifies its rows by all columns.
ALTER TABLE raw.products_json REPLICA IDENTITY FULL;
-- Rows of a delivery lie together: a BRIN index finds a day without costing COPY anything worth mentioning.
CREATE INDEX idx_products_json_load ON raw.products_json USING brin (run_date, load_id, raw_products_id) WITH (pages_per_range = 16, autosummarize = on);

COMMENT ON TABLE raw.products_json IS 'One row per product delivered, as delivered. Partitioned by month of run_date; never updated or deleted.';
COMMENT ON COLUMN raw.products_json.raw_products_id IS 'Number of the raw row; ids of staging and facts derive from it';
COMMENT ON COLUMN raw.products_json.load_id IS 'Delivery that brought it: raw.file_loads';
COMMENT ON COLUMN raw.products_json.run_date IS 'Day of the delivery';
COMMENT ON COLUMN raw.products_json.line_number IS 'Where it stood in the file: line of NDJSON or CSV, element of an array or list, place among values, from 1';
COMMENT ON COLUMN raw.products_json.ingested_at IS 'When it was loaded';
COMMENT ON COLUMN raw.products_json.raw_json IS 'The product byte for byte as it was delivered; of a row of CSV an object of its columns as texts';

CREATE TABLE raw.sources (
    source          text     NOT NULL,
    position        smallint NOT NULL,
    raw_table       text     NOT NULL,
    raw_id          text     NOT NULL,
    staging_table   text     NOT NULL,
    key_columns     text[]   NOT NULL,
    sample          text     NOT NULL,
    required_fields text[]   NOT NULL,
    is_optional     boolean  NOT NULL,
    description     text     NOT NULL,
    CONSTRAINT sources_pkey PRIMARY KEY (source),
    CONSTRAINT sources_position_key UNIQUE (position),
    CONSTRAINT sources_staging_table_key UNIQUE (staging_table)
);
COMMENT ON TABLE raw.sources IS 'One row per source of deliveries: its tables, keys and required fields';
COMMENT ON COLUMN raw.sources.source IS 'Folder of the landing zone: orders, events or products';
COMMENT ON COLUMN raw.sources.position IS 'Order in which sources are named; also their place in staging versions';
COMMENT ON COLUMN raw.sources.raw_table IS 'Table of raw that its deliveries are copied to';
COMMENT ON COLUMN raw.sources.raw_id IS 'Column of raw_table that numbers its rows';
COMMENT ON COLUMN raw.sources.staging_table IS 'Table of staging that holds its clean rows';
COMMENT ON COLUMN raw.sources.key_columns IS 'Columns that tell the rows of a day in staging_table apart';
COMMENT ON COLUMN raw.sources.sample IS 'SQL over a row of staging_table: how a failed rule names it';
COMMENT ON COLUMN raw.sources.required_fields IS 'Fields without which a record is rejected; a CSV header without them refuses the file';
COMMENT ON COLUMN raw.sources.is_optional IS 'Whether a day is loaded without it: a fact never waits for a dimension';
COMMENT ON COLUMN raw.sources.description IS 'What it is';

INSERT INTO raw.sources (source, position, raw_table, raw_id, staging_table, key_columns, sample, required_fields, is_optional, description) VALUES
    ('orders', 1, 'raw.orders_json', 'raw_orders_id', 'staging.orders_clean', '{order_id,line_number}',
     'order_id || ''/'' || line_number', '{order_id,product_id,quantity,price,timestamp,status}', false, 'Orders: JSON, a line per item'),
    ('events', 2, 'raw.events_csv', 'raw_events_id', 'staging.events_clean', '{event_id,event_ts}',
     'event_id', '{event_id,event_type,event_ts}', false, 'Clicks and other events: CSV with a header'),
    ('products', 3, 'raw.products_json', 'raw_products_id', 'staging.products_clean', '{product_id}',
     'product_id', '{product_id}', true, 'The catalogue: JSON files, or the products API');

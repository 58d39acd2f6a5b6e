CREATE TYPE staging.delivery AS (
    source        text,
    load_date     date,
    load_ids      bigint[],
    row_count     bigint,
    refused_count bigint,
    file_count    bigint,
    currencies    text[],
    shaped_ids    bigint[]
);
COMMENT ON TYPE staging.delivery IS 'The deliveries in force of a source and day';
COMMENT ON COLUMN staging.delivery.source IS 'orders, events or products';
COMMENT ON COLUMN staging.delivery.load_date IS 'Day';
COMMENT ON COLUMN staging.delivery.load_ids IS 'Those that were taken, in the order of their names: raw.name_order';
COMMENT ON COLUMN staging.delivery.row_count IS 'Rows that they have in raw';
COMMENT ON COLUMN staging.delivery.refused_count IS 'Records that raw could not take, and files refused whole';
COMMENT ON COLUMN staging.delivery.file_count IS 'Deliveries, refused ones too';
COMMENT ON COLUMN staging.delivery.currencies IS 'Currencies that its amounts are in after cleaning; NULL if nobody says';
COMMENT ON COLUMN staging.delivery.shaped_ids IS 'Of load_ids, those whose records staging._map_records puts into our form; NULL for none';

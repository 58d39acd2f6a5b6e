CREATE TABLE audit.bad_records (
    bad_record_id  bigint      GENERATED ALWAYS AS IDENTITY,
    run_date       date        NOT NULL,
    source_table   text        NOT NULL,
    load_id        bigint      NOT NULL,
    raw_id         bigint,
    item_number    integer,
    record_id      text,
    file_name      text        COLLATE "C" NOT NULL,
    line_number    integer,
    failure_reason text        NOT NULL,
    failed_value   text,
    raw_data       text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    line_count     bigint      NOT NULL DEFAULT 1,
    failed_values  jsonb,
    CONSTRAINT bad_records_pkey PRIMARY KEY (bad_record_id)
);
CREATE INDEX idx_bad_records_run_date ON audit.bad_records (run_date, source_table);

COMMENT ON TABLE audit.bad_records IS 'One row per rejected line and load. If a record or delivery has more of them than the settings bad_lines_per_record and bad_records_times_bytes allow, one row stands for the rest. Sum line_count to count lines.';
COMMENT ON COLUMN audit.bad_records.bad_record_id IS 'Number of the row';
COMMENT ON COLUMN audit.bad_records.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.bad_records.source_table IS 'Raw table that it was meant for';
COMMENT ON COLUMN audit.bad_records.load_id IS 'Delivery that brought it: raw.file_loads';
COMMENT ON COLUMN audit.bad_records.raw_id IS 'Its raw row; NULL if raw could not take it';
COMMENT ON COLUMN audit.bad_records.item_number IS 'Line of the order, from 1; in a row for many lines, the first; NULL if it is not an order line';
COMMENT ON COLUMN audit.bad_records.record_id IS 'order_id, event_id or product_id, where it has one';
COMMENT ON COLUMN audit.bad_records.file_name IS 'Delivery';
COMMENT ON COLUMN audit.bad_records.line_number IS 'Where in the file: line, or element of an array, from 1; NULL for a whole file';
COMMENT ON COLUMN audit.bad_records.failure_reason IS 'Every reason that applies, the first one first, separated by semicolons; in a row for many lines, all of their reasons';
COMMENT ON COLUMN audit.bad_records.failed_value IS 'The value that the first reason is about';
COMMENT ON COLUMN audit.bad_records.raw_data IS 'The record as delivered, up to 64 KiB, on its first row. The other rows of an order, and all rows of an order above 8 KiB, have only their item.';
COMMENT ON COLUMN audit.bad_records.created_at IS 'When it was rejected';
COMMENT ON COLUMN audit.bad_records.line_count IS 'Rejected lines that this row stands for: its own, and later ones that are only counted';
COMMENT ON COLUMN audit.bad_records.failed_values IS 'If there are several reasons: the first value that each is about, as in {"status is missing": null}; else NULL';

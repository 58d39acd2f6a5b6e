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

COMMENT ON TABLE audit.bad_records IS 'One row per rejected line and load; of more faults than a record or delivery has room for (settings bad_lines_per_record, bad_records_times_bytes) one row for the rest. Sum line_count to count lines.';
COMMENT ON COLUMN audit.bad_records.bad_record_id IS 'Number of the row';
COMMENT ON COLUMN audit.bad_records.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.bad_records.source_table IS 'Raw table that it was meant for';
COMMENT ON COLUMN audit.bad_records.load_id IS 'Delivery that brought it: raw.file_loads';
COMMENT ON COLUMN audit.bad_records.raw_id IS 'Its raw row; NULL if raw could not take it';
COMMENT ON COLUMN audit.bad_records.item_number IS 'Line of the order, from 1; of a row for many lines the first; NULL if it is not an order line';
COMMENT ON COLUMN audit.bad_records.record_id IS 'order_id, event_id or product_id, where it has one';
COMMENT ON COLUMN audit.bad_records.file_name IS 'Delivery';
COMMENT ON COLUMN audit.bad_records.line_number IS 'Where in the file: line, or element of an array, from 1; NULL for a whole file';
COMMENT ON COLUMN audit.bad_records.failure_reason IS 'Every reason that applies, first first, separated by semicolons; of a row for many lines every reason of theirs';
COMMENT ON COLUMN audit.bad_records.failed_value IS 'The value that the first reason is about';
COMMENT ON COLUMN audit.bad_records.raw_data IS 'The record as delivered, its first 64 KiB: on its first row. On the others of an order, and on all of an order above 8 KiB, the item.';
COMMENT ON COLUMN audit.bad_records.created_at IS 'When it was rejected';
COMMENT ON COLUMN audit.bad_records.line_count IS 'Rejected lines that this row stands for: its own, and those after it that were counted, not written out';
COMMENT ON COLUMN audit.bad_records.failed_values IS 'Where there are several reasons: for each the first value that it is about, as in {"status is missing": null}; else NULL';

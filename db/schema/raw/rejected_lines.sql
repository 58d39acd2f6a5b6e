CREATE TABLE raw.rejected_lines (
    load_id     bigint      NOT NULL,
    run_date    date        NOT NULL,
    line_number integer     NOT NULL,
    byte_offset bigint      NOT NULL,
    byte_count  bigint      NOT NULL,
    sha256      text        COLLATE "C" NOT NULL,
    raw_line    bytea       NOT NULL,
    reason      text        NOT NULL,
    ingested_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (run_date);
-- It has no key, which would double the time of COPY: a publication identifies its rows by all columns.
ALTER TABLE raw.rejected_lines REPLICA IDENTITY FULL;
CREATE INDEX idx_rejected_lines_load ON raw.rejected_lines (load_id, line_number);

COMMENT ON TABLE raw.rejected_lines IS 'One row per record that raw could not take: it does not parse, has a wrong number of fields, is not UTF-8 or is too long. Partitioned by month of run_date; never updated or deleted.';
COMMENT ON COLUMN raw.rejected_lines.load_id IS 'Delivery that brought it: raw.file_loads';
COMMENT ON COLUMN raw.rejected_lines.run_date IS 'Day of the delivery';
COMMENT ON COLUMN raw.rejected_lines.line_number IS 'Where it stood in the file: line, or element of an array, from 1';
COMMENT ON COLUMN raw.rejected_lines.byte_offset IS 'Where it began in the uncompressed file, in bytes from 0';
COMMENT ON COLUMN raw.rejected_lines.byte_count IS 'Its whole length in bytes';
COMMENT ON COLUMN raw.rejected_lines.sha256 IS 'Of the whole record, in hexadecimal';
COMMENT ON COLUMN raw.rejected_lines.raw_line IS 'Its first 64 KiB';
COMMENT ON COLUMN raw.rejected_lines.reason IS 'Why it could not be taken';
COMMENT ON COLUMN raw.rejected_lines.ingested_at IS 'When it was loaded';

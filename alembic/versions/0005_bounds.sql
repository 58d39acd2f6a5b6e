-- What is kept of faults is bounded by the delivery; audit has retention.

ALTER TABLE audit.bad_records ADD COLUMN line_count bigint NOT NULL DEFAULT 1;
COMMENT ON TABLE audit.bad_records IS 'One row per rejected line and load; of more faults than a record or delivery has room for (settings bad_lines_per_record, bad_records_times_bytes) one row for the rest. Sum line_count to count lines.';
COMMENT ON COLUMN audit.bad_records.item_number IS 'Line of the order, from 1; of a row for many lines the first; NULL if it is not an order line';
COMMENT ON COLUMN audit.bad_records.failure_reason IS 'Every reason that applies, first first, separated by semicolons; of a row for many lines every reason of theirs';
COMMENT ON COLUMN audit.bad_records.raw_data IS 'The record as delivered, its first 64 KiB: on its first row. On the others of an order, and on all of an order above 8 KiB, the item.';
COMMENT ON COLUMN audit.bad_records.line_count IS 'Rejected lines that this row stands for: its own, and those after it that were counted, not written out';
COMMENT ON COLUMN staging.loads.rejected_count IS 'Lines rejected: the sum of line_count in audit.bad_records';

INSERT INTO audit.settings (name, value, description) VALUES
    ('audit_keep_days', NULL, 'Days: compact_partitions drops runs, steps and results of rules that are older, and rejected rows whose staging is gone; NULL keeps everything'),
    ('bad_lines_per_record', '20', 'Lines: so many rejected lines of a record have a row each in audit.bad_records, one more row counts the rest; NULL writes all out'),
    ('bad_records_times_bytes', '6', 'Times: rows of audit.bad_records may have so many times the bytes of their delivery, one more row counts the rest; NULL writes all out');

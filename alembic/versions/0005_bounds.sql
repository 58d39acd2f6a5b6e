-- The size of a delivery limits what is kept of its faults; audit has retention.

ALTER TABLE audit.bad_records ADD COLUMN line_count bigint NOT NULL DEFAULT 1;
COMMENT ON TABLE audit.bad_records IS 'One row per rejected line and load. If a record or delivery has more of them than the settings bad_lines_per_record and bad_records_times_bytes allow, one row stands for the rest. Sum line_count to count lines.';
COMMENT ON COLUMN audit.bad_records.item_number IS 'Line of the order, from 1; in a row for many lines, the first; NULL if it is not an order line';
COMMENT ON COLUMN audit.bad_records.failure_reason IS 'Every reason that applies, the first one first, separated by semicolons; in a row for many lines, all of their reasons';
COMMENT ON COLUMN audit.bad_records.raw_data IS 'The record as delivered, up to 64 KiB, on its first row. The other rows of an order, and all rows of an order above 8 KiB, have only their item.';
COMMENT ON COLUMN audit.bad_records.line_count IS 'Rejected lines that this row stands for: its own, and later ones that are only counted';
COMMENT ON COLUMN staging.loads.rejected_count IS 'Lines rejected: the sum of line_count in audit.bad_records';

INSERT INTO audit.settings (name, value, description) VALUES
    ('audit_keep_days', NULL, 'Days: compact_partitions drops runs, steps and results of rules that are older, and rejected rows whose staging is gone; NULL keeps everything'),
    ('bad_lines_per_record', '20', 'Lines: how many rejected lines of a record get a row each in audit.bad_records; one more row counts the rest; NULL writes all out'),
    ('bad_records_times_bytes', '6', 'Times: how many times the bytes of a delivery its rows in audit.bad_records may take; one more row counts the rest; NULL writes all out');

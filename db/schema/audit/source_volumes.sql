CREATE VIEW audit.source_volumes AS
SELECT l.load_date AS run_date,
       l.source,
       l.delivered_count AS delivered,
       l.clean_count AS clean,
       l.duplicate_count AS duplicate,
       l.rejected_count AS rejected
FROM staging.loads l;

COMMENT ON VIEW audit.source_volumes IS 'One row per day and source that was cleaned: what became of its lines. Filter by run_date.';
COMMENT ON COLUMN audit.source_volumes.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.source_volumes.source IS 'orders, events or products';
COMMENT ON COLUMN audit.source_volumes.delivered IS 'Lines delivered = clean + duplicate + rejected';
COMMENT ON COLUMN audit.source_volumes.clean IS 'Lines in staging';
COMMENT ON COLUMN audit.source_volumes.duplicate IS 'Lines that a later report of the same day replaced';
COMMENT ON COLUMN audit.source_volumes.rejected IS 'Lines rejected';

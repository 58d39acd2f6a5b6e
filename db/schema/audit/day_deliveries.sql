CREATE VIEW audit.day_deliveries AS
SELECT l.run_date,
       l.source,
       l.file_name,
       l.row_count,
       l.rejected_count,
       CASE WHEN l.refused_reason IS NOT NULL THEN 'refused: ' || l.refused_reason
            WHEN l.load_id = max(l.load_id) FILTER (WHERE l.refused_reason IS NULL)
                             OVER (PARTITION BY l.run_date, l.source, l.file_name) THEN 'in force'
            ELSE 'replaced by a later one' END AS state,
       l.ingested_at,
       l.load_id
FROM raw.file_loads l;

COMMENT ON VIEW audit.day_deliveries IS 'One row per delivery, and whether it is in force. Filter by run_date.';
COMMENT ON COLUMN audit.day_deliveries.run_date IS 'Day whose folder the file lay in';
COMMENT ON COLUMN audit.day_deliveries.source IS 'orders, events or products';
COMMENT ON COLUMN audit.day_deliveries.file_name IS 'Name without .gz or .zst; api.json for a catalogue from the products API';
COMMENT ON COLUMN audit.day_deliveries.row_count IS 'Rows that it added to raw';
COMMENT ON COLUMN audit.day_deliveries.rejected_count IS 'Records of it that raw could not take';
COMMENT ON COLUMN audit.day_deliveries.state IS 'in force, replaced by a later one, or refused and why';
COMMENT ON COLUMN audit.day_deliveries.ingested_at IS 'When it was loaded';
COMMENT ON COLUMN audit.day_deliveries.load_id IS 'Number of the delivery: raw.file_loads';

-- Deliveries, for the report. A view that uses functions: it is made with these, whenever this file changes.
DROP VIEW IF EXISTS audit.daily_deliveries;
CREATE VIEW audit.daily_deliveries AS
SELECT d.run_date,
       d.source,
       audit._shown(d.file_name, 15) AS file_name,
       d.row_count,
       d.rejected_count,
       CASE WHEN starts_with(d.state, 'refused: ') THEN 'refused: ' || coalesce(audit._plain_reason(d.source, substr(d.state, 10)), '…') ELSE d.state END AS state,
       d.ingested_at
FROM audit.day_deliveries d;

COMMENT ON VIEW audit.daily_deliveries IS 'One row per delivery, and whether it is in force, without what may be personal. Filter by run_date.';
COMMENT ON COLUMN audit.daily_deliveries.run_date IS 'Day whose folder the file lay in';
COMMENT ON COLUMN audit.daily_deliveries.source IS 'orders, events or products';
COMMENT ON COLUMN audit.daily_deliveries.file_name IS 'Name without .gz or .zst; cut, if it is long';
COMMENT ON COLUMN audit.daily_deliveries.row_count IS 'Rows that it added to raw';
COMMENT ON COLUMN audit.daily_deliveries.rejected_count IS 'Records of it that raw could not take';
COMMENT ON COLUMN audit.daily_deliveries.state IS 'in force, replaced by a later one, or refused and why, up to where that would quote it';
COMMENT ON COLUMN audit.daily_deliveries.ingested_at IS 'When it was loaded';

-- What is refused, for the report. A view that uses functions: it is made with these, whenever this file changes.
DROP VIEW IF EXISTS audit.daily_rejections;
CREATE VIEW audit.daily_rejections AS
SELECT j.run_date,
       j.source,
       t.reason,
       sum(j.rows)::bigint AS rows,
       (array_agg(t.example ORDER BY t.example IS NULL, j.rows DESC, j.failure_reason))[1] AS example,
       (array_agg(t.first_at ORDER BY t.example IS NULL, j.rows DESC, j.failure_reason))[1] AS first_at
FROM audit.rejected_reasons j
-- OFFSET 0: each function is called once a row, not wherever its result is used.
CROSS JOIN LATERAL (
    SELECT audit._plain_reason(j.source, j.failure_reason) AS reason,
           -- A word that comes once may be a name, whatever its field.
           CASE WHEN j.example_rows >= 5 OR j.example COLLATE "C" !~ '[A-Za-z]' THEN audit._harmless(j.source, j.failure_reason, j.example) END AS example,
           audit._shown(j.first_at, 15) AS first_at
    OFFSET 0
) AS t
GROUP BY j.run_date, j.source, t.reason;

COMMENT ON VIEW audit.daily_rejections IS 'One row per day, source and reason of rejection, without what may be personal. A row with several reasons counts under each. Filter by run_date.';
COMMENT ON COLUMN audit.daily_rejections.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.daily_rejections.source IS 'orders, events or products';
COMMENT ON COLUMN audit.daily_rejections.reason IS 'The reason, up to where it would quote the delivery';
COMMENT ON COLUMN audit.daily_rejections.rows IS 'Rejected lines that have it';
COMMENT ON COLUMN audit.daily_rejections.example IS 'A value that it is about; NULL unless short and harmless (audit._harmless), and no word of fewer than five lines';
COMMENT ON COLUMN audit.daily_rejections.first_at IS 'Where it comes first: file, and line or element';

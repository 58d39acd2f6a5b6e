-- A row may have several reasons, and each has a value of its own: a reason is shown with its own value. Lines that are rejected
-- for another line of their order count together, whichever line that is.
CREATE VIEW audit.rejected_reasons AS
WITH reasons AS (
    SELECT b.run_date,
           split_part(split_part(b.source_table, '.', 2), '_', 1) AS source,
           regexp_replace(coalesce(r.reason, b.failure_reason), '^line [0-9]+ of the order is rejected: ', 'another line of the order is rejected: ') AS failure_reason,
           CASE WHEN r.reason IS NULL THEN b.failed_value ELSE r.value END COLLATE "C" AS failed_value,
           r.reason IS NOT NULL AS has_others,
           b.file_name,
           b.line_number,
           b.line_count
    FROM audit.bad_records b
    LEFT JOIN LATERAL jsonb_each_text(b.failed_values) AS r (reason, value) ON true
),
reason_values AS (
    SELECT r.run_date,
           r.source,
           r.failure_reason,
           r.failed_value,
           sum(r.line_count) AS rows,
           sum(r.line_count) FILTER (WHERE r.has_others) AS rows_with_others,
           (array_agg(concat_ws(':', r.file_name, r.line_number) ORDER BY r.file_name, r.line_number))[1] AS first_at
    FROM reasons r
    GROUP BY r.run_date, r.source, r.failure_reason, r.failed_value
)
SELECT v.run_date,
       v.source,
       v.failure_reason,
       sum(v.rows)::bigint AS rows,
       nullif(sum(v.rows_with_others), 0)::bigint AS rows_with_others,
       (array_agg(v.failed_value ORDER BY v.rows DESC, v.failed_value))[1] AS example,
       (array_agg(v.first_at ORDER BY v.rows DESC, v.failed_value))[1] AS first_at,
       max(v.rows)::bigint AS example_rows
FROM reason_values v
GROUP BY v.run_date, v.source, v.failure_reason;

COMMENT ON VIEW audit.rejected_reasons IS 'One row per day, source and reason of rejection. A row with several reasons counts under each of them. Filter by run_date.';
COMMENT ON COLUMN audit.rejected_reasons.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.rejected_reasons.source IS 'orders, events or products';
COMMENT ON COLUMN audit.rejected_reasons.failure_reason IS 'The reason; or all reasons of a row together if only the value of the first is kept: in rows of release 0.1, or of a person who was erased';
COMMENT ON COLUMN audit.rejected_reasons.rows IS 'Rejected lines that have it; a row of bad_records that stands for many lines counts all of them under each of its reasons';
COMMENT ON COLUMN audit.rejected_reasons.rows_with_others IS 'How many of them have other reasons, too, and also count there; NULL for none';
COMMENT ON COLUMN audit.rejected_reasons.example IS 'The value that this reason is most often about; NULL where something is missing';
COMMENT ON COLUMN audit.rejected_reasons.first_at IS 'Where the example comes first: file, and line or element';
COMMENT ON COLUMN audit.rejected_reasons.example_rows IS 'Rejected lines in which the reason is about the example';

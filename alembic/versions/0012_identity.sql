-- An order stands whole or not at all; reports that contradict each other are rejected; an order's updated_at decides which counts.

-- Without a default: no row is written.
ALTER TABLE staging.orders_clean ADD COLUMN source_updated_at timestamptz;
ALTER TABLE warehouse.fact_orders ADD COLUMN source_updated_at timestamptz;
ALTER TABLE warehouse.orders_superseded ADD COLUMN source_updated_at timestamptz;
ALTER TABLE warehouse.order_owners ADD COLUMN source_updated_at timestamptz;
ALTER TABLE staging.loads ADD COLUMN changed_count bigint;
COMMENT ON COLUMN staging.orders_clean.source_updated_at IS 'When the source last changed the order, as it says in updated_at; NULL if it does not say';
COMMENT ON COLUMN warehouse.fact_orders.source_updated_at IS 'When the source last changed the order, as it says in updated_at; NULL if it does not say';
COMMENT ON COLUMN warehouse.orders_superseded.source_updated_at IS 'When the source last changed the order, as it says in updated_at; NULL if it does not say';
COMMENT ON COLUMN warehouse.order_owners.source_updated_at IS 'Its updated_at in that load; NULL if the source does not say';
COMMENT ON COLUMN staging.loads.changed_count IS 'Of the duplicate lines of orders, those of reports whose lines differ from those of the report that replaced them; NULL for other sources';

-- Where somebody has registered updated_at as a field of their own, the warehouse reads it itself from now on.
INSERT INTO staging.fields AS f (source, field, place, kind, is_required, is_personal, on_fault, description, column_name) VALUES
    ('orders', 'updated_at', 'order', 'time', false, false, 'reject',
     'When the source last changed the order, where it knows: the report with the latest one counts, whatever day it came. At most a day after the day of the delivery',
     'source_updated_at')
ON CONFLICT ON CONSTRAINT fields_pkey DO UPDATE
SET place = excluded.place, kind = excluded.kind, is_required = excluded.is_required, is_personal = excluded.is_personal,
    on_fault = excluded.on_fault, description = excluded.description, column_name = excluded.column_name;
UPDATE staging.fields f
SET description = 'The order. It may come again, on the same or another day; the last report counts'
WHERE (f.source, f.field, f.description) = ('orders', 'order_id', 'The order. It may come again on a later day; the last report counts');

-- A warehouse that has orders keeps counting the good lines of an order with a bad one, until somebody switches.
INSERT INTO audit.settings (name, value, description)
SELECT 'partial_orders', CASE WHEN EXISTS (SELECT FROM staging.loads l WHERE l.source = 'orders') THEN '1' END,
       '1: of an order with a bad line the good lines count; NULL or 0: such an order is rejected whole'
ON CONFLICT ON CONSTRAINT settings_pkey DO NOTHING;

INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, min_value, max_value, severity, sample, description) VALUES
    ('orders_changed_share', 'share', NULL,
     '(SELECT l.changed_count::numeric / nullif(l.duplicate_count, 0) FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date = $1)',
     NULL, 0.05, 'warning', NULL,
     'Of the order lines that are duplicates, at most 5 % are of reports whose lines differ from those of the report that counts. Are these orders updated within a day, or is a delivery with a row per line taken for repeats?')
ON CONFLICT ON CONSTRAINT dq_rules_pkey DO NOTHING;

-- Lines that are rejected for another line of their order count together.
CREATE OR REPLACE VIEW audit.rejected_reasons AS
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
       (array_agg(v.first_at ORDER BY v.rows DESC, v.failed_value))[1] AS first_at
FROM reason_values v
GROUP BY v.run_date, v.source, v.failure_reason;

-- These have other parameters or results now.
DROP FUNCTION IF EXISTS
    staging._read_orders(date, text, date, bigint[], staging.fields[]), staging._read_orders(date, text, date, text, timestamptz, timestamptz, bigint[], staging.fields[]),
    staging._take_out_repeats(staging.delivery, regclass, bigint),
    staging._finish_cleaning(staging.delivery, bigint, bigint, bigint, boolean);

-- The report that counts may be of an earlier load, too.
COMMENT ON TABLE warehouse.fact_orders IS 'One row per order line. An order counts once, with the lines of the load whose report counts: SUM(revenue) is right without a filter. Partitioned by load_date.';
COMMENT ON COLUMN warehouse.fact_orders.load_date IS 'Load that the line is of: the one whose report of the order counts';
COMMENT ON COLUMN warehouse.orders_superseded.load_date IS 'Load that the line is of: the one whose report of the order counts';
COMMENT ON TABLE warehouse.orders_superseded IS 'One row per order line of a load while the report of another load counts. It comes back when that other load is corrected.';
COMMENT ON TABLE warehouse.order_owners IS 'One row per order in fact_orders: the load whose lines are in force. Of the loads that have a clean line of it, that is the one with the latest updated_at (without one, the end of its day counts), then the latest one.';
COMMENT ON COLUMN warehouse.order_owners.load_date IS 'Load whose lines are in fact_orders; those of other loads are in orders_superseded';
COMMENT ON COLUMN warehouse.days.superseded IS 'Lines of orders and events while the report of another day counts';
COMMENT ON COLUMN warehouse.daily_metrics.superseded_orders_count IS 'Order lines of this load while the report of another load counts';
COMMENT ON COLUMN warehouse.order_lines.reported_on IS 'Day of the delivery whose report of the order counts';
COMMENT ON VIEW warehouse.orders IS 'One row per order, as the report that counts has it. Filter by reported_on or, for days on which they were placed, by warehouse.order_lines.date_id.';
COMMENT ON COLUMN warehouse.orders.reported_on IS 'Day of the delivery whose report counts';
COMMENT ON COLUMN audit.day_lines.superseded IS 'Lines of orders and events while the report of another day counts';
COMMENT ON COLUMN audit.lineage.fact_orders_id IS 'Row of fact_orders; NULL while it is not loaded, or while the report of another load counts';
COMMENT ON VIEW audit.day_superseded IS 'One row per day, and other day whose reports of the same orders count. Filter by run_date.';
COMMENT ON COLUMN audit.day_superseded.lines IS 'Their lines in the report that does not count';
COMMENT ON COLUMN audit.pipeline_steps.rows_duplicate IS 'Lines that were duplicates; for the facts, superseded by another load';

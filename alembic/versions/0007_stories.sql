-- The story of a day and of an order as views and functions.

-- The value that each reason of a rejected row is about, not only the first reason's.
ALTER TABLE audit.bad_records ADD COLUMN failed_values jsonb;
COMMENT ON COLUMN audit.bad_records.failed_values IS 'If there are several reasons: the first value that each is about, as in {"status is missing": null}; else NULL';

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

-- A row may have several reasons, and each has a value of its own: a reason is shown with its own value.
CREATE VIEW audit.rejected_reasons AS
WITH reasons AS (
    SELECT b.run_date,
           split_part(split_part(b.source_table, '.', 2), '_', 1) AS source,
           coalesce(r.reason, b.failure_reason) AS failure_reason,
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

COMMENT ON VIEW audit.rejected_reasons IS 'One row per day, source and reason of rejection. A row with several reasons counts under each of them. Filter by run_date.';
COMMENT ON COLUMN audit.rejected_reasons.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.rejected_reasons.source IS 'orders, events or products';
COMMENT ON COLUMN audit.rejected_reasons.failure_reason IS 'The reason; or all reasons of a row together if only the value of the first is kept: in rows of release 0.1, or of a person who was erased';
COMMENT ON COLUMN audit.rejected_reasons.rows IS 'Rejected lines that have it; a row of bad_records that stands for many lines counts all of them under each of its reasons';
COMMENT ON COLUMN audit.rejected_reasons.rows_with_others IS 'How many of them have other reasons, too, and also count there; NULL for none';
COMMENT ON COLUMN audit.rejected_reasons.example IS 'The value that this reason is most often about; NULL where something is missing';
COMMENT ON COLUMN audit.rejected_reasons.first_at IS 'Where the example comes first: file, and line or element';

CREATE VIEW audit.last_verdicts AS
SELECT r.run_date,
       r.run_id,
       r.rule_name,
       r.check_type,
       r.severity,
       r.passed,
       r.failed_count,
       r.checked_count,
       r.observed,
       r.message,
       r.sample,
       r.checked_at
FROM audit.dq_results r
WHERE r.run_id = (SELECT max(n.run_id) FROM audit.dq_results n WHERE n.run_date = r.run_date);

COMMENT ON VIEW audit.last_verdicts IS 'One row per rule and day: what the newest run that judged the day found. Filter by run_date.';
COMMENT ON COLUMN audit.last_verdicts.run_date IS 'Day that was judged';
COMMENT ON COLUMN audit.last_verdicts.run_id IS 'Run that judged';
COMMENT ON COLUMN audit.last_verdicts.rule_name IS 'Rule as it was called then: audit.dq_rules';
COMMENT ON COLUMN audit.last_verdicts.check_type IS 'Kind of check of the rule';
COMMENT ON COLUMN audit.last_verdicts.severity IS 'critical blocks the day, warning does not';
COMMENT ON COLUMN audit.last_verdicts.passed IS 'Whether the day keeps the rule';
COMMENT ON COLUMN audit.last_verdicts.failed_count IS 'Rows that break it; for a rule about the day as a whole 1 if it fails';
COMMENT ON COLUMN audit.last_verdicts.checked_count IS 'Rows looked at; NULL for a rule about the day as a whole';
COMMENT ON COLUMN audit.last_verdicts.observed IS 'The number that was compared with the thresholds; NULL for a rule about rows';
COMMENT ON COLUMN audit.last_verdicts.message IS 'The verdict in words';
COMMENT ON COLUMN audit.last_verdicts.sample IS 'Keys of up to five rows that break it';
COMMENT ON COLUMN audit.last_verdicts.checked_at IS 'When it was judged';

CREATE VIEW audit.day_lines AS
SELECT m.run_date,
       l.source,
       l.delivered,
       l.duplicate,
       l.rejected,
       l.clean,
       l.superseded,
       l.in_facts,
       CASE WHEN m.status <> 'succeeded' AND l.in_facts > 0
            THEN format('The facts of %s are those of an earlier run: the day is %s.', l.source, m.status)
            WHEN l.clean <> l.superseded + l.in_facts
            THEN format('%s clean lines of %s are not in the facts: the day is %s.',
                        to_char(l.clean - l.superseded - l.in_facts, 'FM999,999,999,999,990'), l.source, m.status)
       END AS note
FROM warehouse.daily_metrics m
CROSS JOIN LATERAL (VALUES
    ('orders', m.raw_order_lines_count, m.duplicate_orders_count, m.rejected_orders_count, m.staging_orders_count,
     m.superseded_orders_count, m.fact_orders_count),
    ('events', m.raw_events_count, m.duplicate_events_count, m.rejected_events_count, m.staging_events_count,
     m.superseded_events_count, m.fact_events_count)
) AS l (source, delivered, duplicate, rejected, clean, superseded, in_facts);

COMMENT ON VIEW audit.day_lines IS 'One row per day and source: where every delivered line went. Orders count lines. Filter by run_date.';
COMMENT ON COLUMN audit.day_lines.run_date IS 'Day';
COMMENT ON COLUMN audit.day_lines.source IS 'orders or events';
COMMENT ON COLUMN audit.day_lines.delivered IS 'Lines delivered = duplicate + rejected + clean';
COMMENT ON COLUMN audit.day_lines.duplicate IS 'Lines that a later report of the same day replaced';
COMMENT ON COLUMN audit.day_lines.rejected IS 'Lines rejected: audit.bad_records';
COMMENT ON COLUMN audit.day_lines.clean IS 'Lines in staging = superseded + in_facts, once the day is loaded';
COMMENT ON COLUMN audit.day_lines.superseded IS 'Lines that the delivery of a later day reported again';
COMMENT ON COLUMN audit.day_lines.in_facts IS 'Lines in the facts';
COMMENT ON COLUMN audit.day_lines.note IS 'What to know when the facts are not those of these lines; NULL when they are';

CREATE VIEW audit.day_superseded AS
SELECT s.load_date AS run_date,
       o.load_date AS by_day,
       count(DISTINCT s.order_id) AS orders,
       count(*) AS lines,
       sum(s.revenue) AS revenue
FROM warehouse.orders_superseded s
JOIN warehouse.order_owners o ON o.order_id = s.order_id
GROUP BY s.load_date, o.load_date;

COMMENT ON VIEW audit.day_superseded IS 'One row per day, and later day that reported orders of it again. Filter by run_date.';
COMMENT ON COLUMN audit.day_superseded.run_date IS 'Day whose orders these were';
COMMENT ON COLUMN audit.day_superseded.by_day IS 'Day whose report counts now';
COMMENT ON COLUMN audit.day_superseded.orders IS 'Orders';
COMMENT ON COLUMN audit.day_superseded.lines IS 'Their lines in the earlier report';
COMMENT ON COLUMN audit.day_superseded.revenue IS 'Revenue of these lines, whatever the status';

CREATE VIEW audit.day_statuses AS
SELECT f.load_date AS run_date,
       f.status,
       s.counts_as_sale,
       count(DISTINCT f.order_id) AS orders,
       count(*) AS lines,
       sum(f.revenue) AS revenue
FROM warehouse.fact_orders f
JOIN warehouse.order_statuses s ON s.status = f.status
GROUP BY f.load_date, f.status, s.counts_as_sale;

COMMENT ON VIEW audit.day_statuses IS 'One row per day and status of the orders in its facts. Filter by run_date.';
COMMENT ON COLUMN audit.day_statuses.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.day_statuses.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN audit.day_statuses.counts_as_sale IS 'Whether net revenue counts it';
COMMENT ON COLUMN audit.day_statuses.orders IS 'Orders';
COMMENT ON COLUMN audit.day_statuses.lines IS 'Their lines';
COMMENT ON COLUMN audit.day_statuses.revenue IS 'quantity x unit_price of these lines';

CREATE VIEW audit.day_health AS
SELECT d.run_date,
       to_char(d.run_date::timestamp, 'FMDay') AS weekday,
       coalesce(m.status, 'not run yet') AS state,
       r.runs,
       m.fact_orders_count AS order_lines,
       m.fact_events_count AS events,
       m.rejected_orders_count + m.rejected_events_count AS rejected,
       m.net_revenue,
       v.failed_rules,
       r.last_error
FROM (
    SELECT l.run_date FROM raw.file_loads l
    UNION
    SELECT p.run_date FROM audit.pipeline_runs p
) AS d
LEFT JOIN warehouse.daily_metrics m ON m.run_date = d.run_date
CROSS JOIN LATERAL (
    SELECT count(*) AS runs, (array_agg(p.error ORDER BY p.run_id DESC))[1] AS last_error
    FROM audit.pipeline_runs p
    WHERE p.run_date = d.run_date
) AS r
CROSS JOIN LATERAL (
    SELECT string_agg(w.rule_name, ', ' ORDER BY w.rule_name) AS failed_rules
    FROM audit.last_verdicts w
    WHERE w.run_date = d.run_date AND NOT w.passed
) AS v;

COMMENT ON VIEW audit.day_health IS 'One row per day that was delivered or run: how it stands';
COMMENT ON COLUMN audit.day_health.run_date IS 'Day';
COMMENT ON COLUMN audit.day_health.weekday IS 'Its name in English';
COMMENT ON COLUMN audit.day_health.state IS 'running, succeeded, failed or blocked: how its last run stands; or not run yet';
COMMENT ON COLUMN audit.day_health.runs IS 'Runs so far';
COMMENT ON COLUMN audit.day_health.order_lines IS 'Order lines in the facts; NULL while it is not run';
COMMENT ON COLUMN audit.day_health.events IS 'Events in the facts; NULL while it is not run';
COMMENT ON COLUMN audit.day_health.rejected IS 'Order lines and events rejected; NULL while it is not run';
COMMENT ON COLUMN audit.day_health.net_revenue IS 'Revenue of the statuses that count as a sale; NULL while it is not run';
COMMENT ON COLUMN audit.day_health.failed_rules IS 'Rules that the newest run that judged it found broken; NULL for none';
COMMENT ON COLUMN audit.day_health.last_error IS 'What ended its last run; NULL if that succeeded';

-- As before, but it reads only the verdicts and steps of the runs that it reports.
CREATE OR REPLACE VIEW audit.health AS
WITH windows AS (
    SELECT w.days, now() - make_interval(days => w.days) AS since
    FROM (VALUES (7), (30)) AS w (days)
),
runs AS (
    SELECT w.days,
           count(r.run_id) AS runs,
           count(r.run_id) FILTER (WHERE r.status = 'succeeded') AS succeeded,
           count(r.run_id) FILTER (WHERE r.status = 'failed') AS failed,
           count(r.run_id) FILTER (WHERE r.status = 'blocked') AS blocked,
           count(r.run_id) FILTER (WHERE q.run_id IS NOT NULL) AS judged,
           count(r.run_id) FILTER (WHERE q.has_failure) AS with_failed_rule,
           max(EXTRACT(epoch FROM r.ended_at - r.started_at)) AS longest_seconds,
           sum(s.rows_in) / nullif(sum(EXTRACT(epoch FROM r.ended_at - r.started_at)) FILTER (WHERE s.run_id IS NOT NULL), 0) AS rows_per_second
    FROM windows w
    LEFT JOIN audit.pipeline_runs r ON r.started_at >= w.since
    -- Read by index, for the runs of the windows only: earlier ones are not read.
    LEFT JOIN LATERAL (
        SELECT d.run_id, bool_or(NOT d.passed) AS has_failure FROM audit.dq_results d WHERE d.run_id = r.run_id GROUP BY d.run_id
    ) AS q ON true
    LEFT JOIN LATERAL (
        SELECT p.run_id, max(p.rows_in) AS rows_in FROM audit.pipeline_steps p
        WHERE p.run_id = r.run_id AND p.step = 'compute_daily_metrics' AND p.status = 'succeeded'
        GROUP BY p.run_id
    ) AS s ON true
    GROUP BY w.days
),
deliveries AS (
    SELECT w.days, coalesce(sum(l.byte_count), 0) AS bytes, coalesce(sum(l.row_count + l.rejected_count), 0) AS records
    FROM windows w
    LEFT JOIN raw.file_loads l ON l.ingested_at >= w.since
    GROUP BY w.days
),
sizes AS (
    SELECT n.nspname, coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes
    FROM pg_namespace n
    LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'm')
    WHERE n.nspname IN ('raw', 'staging', 'warehouse', 'audit')
    GROUP BY n.nspname
    UNION ALL
    -- Measuring a table waits for its lock, and analysts may lock these: so this takes what VACUUM and ANALYZE have noted.
    SELECT n.nspname, coalesce(sum(greatest(c.relpages, 0)::bigint * current_setting('block_size')::bigint), 0)
    FROM pg_namespace n
    LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'm', 'i')
    WHERE n.nspname = 'marts'
    GROUP BY n.nspname
)
SELECT m.measure, r.days, m.value, m.unit
FROM runs r
JOIN deliveries d ON d.days = r.days
CROSS JOIN LATERAL (VALUES
    ('runs', r.runs::numeric, 'runs'),
    ('runs succeeded', round(100.0 * r.succeeded / nullif(r.runs, 0), 1), '%'),
    ('runs failed', round(100.0 * r.failed / nullif(r.runs, 0), 1), '%'),
    ('runs blocked', round(100.0 * r.blocked / nullif(r.runs, 0), 1), '%'),
    ('runs with a failed rule', round(100.0 * r.with_failed_rule / nullif(r.judged, 0), 1), '%'),
    ('longest run', round(r.longest_seconds, 1), 'seconds'),
    ('throughput', round(r.rows_per_second), 'rows per second'),
    ('records delivered', d.records, 'records'),
    ('growth of raw', d.bytes, 'bytes')
) AS m (measure, value, unit)
UNION ALL
SELECT 'size of ' || s.nspname, NULL, s.bytes, 'bytes'
FROM sizes s;

GRANT SELECT ON
    audit.day_deliveries, audit.rejected_reasons, audit.last_verdicts, audit.day_lines,
    audit.day_superseded, audit.day_statuses, audit.day_health
TO warehouse_runner, warehouse_analyst;

CREATE VIEW audit.health AS
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

COMMENT ON VIEW audit.health IS 'One row per measure of the pipeline''s health, and window where it has one: how runs ended, how fast they were, what raw grew by, and how large each schema is';
COMMENT ON COLUMN audit.health.measure IS 'What is measured; growth of raw is what was delivered, unpacked; runs with a failed rule counts warnings too, as a share of the runs that the gate judged';
COMMENT ON COLUMN audit.health.days IS 'Over how many days until now; NULL for the size of a schema, which is as it is now';
COMMENT ON COLUMN audit.health.value IS 'The number; NULL if there is nothing to measure';
COMMENT ON COLUMN audit.health.unit IS 'runs, %, seconds, rows per second, records or bytes; bytes of a schema are with indexes and TOAST, those of marts what VACUUM and ANALYZE noted, without TOAST';

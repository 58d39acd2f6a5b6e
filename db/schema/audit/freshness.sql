-- When a source usually comes is taken from the last 28 days that it delivered: the median gap between them, and the median time
-- from the start of a day, in the shop's time zone, to its first file. Days that came more than three days late, as in a backfill, say
-- nothing about that. It is late when the next day has not come two hours after its usual time, or after nine of ten arrivals if that is later.
CREATE VIEW audit.freshness AS
WITH zone AS (
    SELECT s.value AS name FROM audit.settings s WHERE s.name = 'time_zone'
),
days AS (
    SELECT s.source, s.position, d.run_date, d.first_at, d.last_at, d.first_at - (d.run_date::timestamp AT TIME ZONE (SELECT z.name FROM zone z)) AS lag,
           d.run_date - lead(d.run_date) OVER (PARTITION BY s.source ORDER BY d.run_date DESC) AS gap
    FROM raw.sources s
    LEFT JOIN LATERAL (
        SELECT l.run_date, min(l.ingested_at) AS first_at, max(l.ingested_at) AS last_at
        FROM raw.file_loads l
        WHERE l.source = s.source AND l.refused_reason IS NULL
          AND l.run_date > (SELECT max(m.run_date) FROM raw.file_loads m WHERE m.source = s.source AND m.refused_reason IS NULL) - 200
        GROUP BY l.run_date
        ORDER BY l.run_date DESC
        LIMIT 28
    ) AS d ON true
),
habits AS (
    SELECT d.source, d.position, max(d.run_date) AS last_day, max(d.last_at) AS last_delivered_at,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY d.gap) AS usual_gap_days,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY d.lag) FILTER (WHERE d.lag BETWEEN '-1 day' AND '4 days') AS usual_lag,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY d.lag) FILTER (WHERE d.lag BETWEEN '-1 day' AND '4 days') AS late_lag
    FROM days d
    GROUP BY d.source, d.position
),
dues AS (
    SELECT h.*, h.last_day + h.usual_gap_days AS due_day,
           ((h.last_day + h.usual_gap_days)::timestamp AT TIME ZONE (SELECT z.name FROM zone z)) + h.usual_lag AS due_at
    FROM habits h
)
SELECT d.source,
       d.last_day,
       d.last_delivered_at,
       d.usual_gap_days,
       (d.due_at AT TIME ZONE (SELECT z.name FROM zone z))::time(0) AS usual_time,
       d.due_day,
       d.due_at,
       now() > d.due_at + greatest(interval '2 hours', d.late_lag - d.usual_lag) AS is_late
FROM dues d
ORDER BY d.position;

COMMENT ON VIEW audit.freshness IS 'One row per source: what came last, when the next is due by what is usual, and whether it is late';
COMMENT ON COLUMN audit.freshness.source IS 'raw.sources';
COMMENT ON COLUMN audit.freshness.last_day IS 'Newest day that a file was taken for; NULL if none ever was';
COMMENT ON COLUMN audit.freshness.last_delivered_at IS 'When the last file of its last 28 days came';
COMMENT ON COLUMN audit.freshness.usual_gap_days IS 'Days from one delivered day to the next, as a rule: 1 for each day, 7 for each week; NULL under two days';
COMMENT ON COLUMN audit.freshness.usual_time IS 'When the first file of a day comes as a rule, in the shop''s time zone; NULL if that is not known';
COMMENT ON COLUMN audit.freshness.due_day IS 'Day that is due next';
COMMENT ON COLUMN audit.freshness.due_at IS 'When it is due';
COMMENT ON COLUMN audit.freshness.is_late IS 'Whether that was more than two hours ago, or more than nine of ten arrivals were late by; NULL if nothing is known';

-- kind: day, a row per day and reason; or all, a row per reason of all days
SELECT CASE grouping(r.run_date) WHEN 0 THEN 'day' ELSE 'all' END AS kind, r.run_date, r.source, r.reason, sum(r.rows) AS rows, count(*) AS days,
       (array_agg(r.example ORDER BY r.run_date DESC) FILTER (WHERE r.example IS NOT NULL))[1] AS example,
       max(r.run_date) AS last_day, (array_agg(r.first_at ORDER BY r.run_date DESC))[1] AS first_at,
       array_agg(r.run_date ORDER BY r.run_date) AS on_days, array_agg(r.rows ORDER BY r.run_date) AS rows_by_day
FROM audit.daily_rejections r
WHERE r.run_date BETWEEN %(first)s AND %(last)s
GROUP BY GROUPING SETS ((r.run_date, r.source, r.reason), (r.source, r.reason))
HAVING CASE grouping(r.run_date) WHEN 0 THEN 'day' ELSE 'all' END = ANY (%(kinds)s)
ORDER BY r.run_date, rows DESC, r.source, r.reason

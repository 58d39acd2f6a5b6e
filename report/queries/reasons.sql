SELECT r.source, r.reason, sum(r.rows) AS rows, count(*) AS days,
       (array_agg(r.example ORDER BY r.run_date DESC) FILTER (WHERE r.example IS NOT NULL))[1] AS example,
       max(r.run_date) AS last_day, (array_agg(r.first_at ORDER BY r.run_date DESC))[1] AS first_at
FROM audit.daily_rejections r
WHERE r.run_date BETWEEN %(first)s AND %(last)s
GROUP BY r.source, r.reason
ORDER BY rows DESC, r.source, r.reason
LIMIT 50

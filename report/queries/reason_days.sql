SELECT r.source, r.reason, r.run_date, r.rows AS value
FROM audit.daily_rejections r
WHERE r.run_date BETWEEN %(first)s AND %(last)s
ORDER BY r.source, r.reason, r.run_date

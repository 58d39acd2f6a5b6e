SELECT r.run_date, r.rows, r.source, r.reason, r.example, r.first_at
FROM audit.daily_rejections r
WHERE r.run_date BETWEEN %(first)s AND %(last)s
ORDER BY r.run_date, r.rows DESC, r.source, r.reason

SELECT s.run_date, s.by_day, s.orders, s.lines, s.revenue
FROM audit.daily_superseded s
WHERE s.run_date BETWEEN %(first)s AND %(last)s
ORDER BY s.run_date, s.by_day

SELECT s.run_date, s.status, s.counts_as_sale, s.orders, s.lines, s.revenue
FROM audit.daily_statuses s
WHERE s.run_date BETWEEN %(first)s AND %(last)s
ORDER BY s.run_date, s.revenue DESC, s.status

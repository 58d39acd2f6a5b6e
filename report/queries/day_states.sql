SELECT s.run_date, s.weekday, s.state, s.health, s.why, s.runs, s.order_lines, s.events, s.rejected, s.net_revenue
FROM audit.day_states s
WHERE s.run_date BETWEEN %(first)s AND %(last)s
ORDER BY s.run_date

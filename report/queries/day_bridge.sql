SELECT s.run_date, b.place, b.label, b.amount, b.starts_at, b.ends_at, b.is_total
FROM audit.day_states s
CROSS JOIN LATERAL audit.day_bridge(s.run_date) AS b
WHERE s.run_date BETWEEN %(first)s AND %(last)s
ORDER BY s.run_date, b.place

SELECT b.day AS run_date, b.place, b.label, b.amount, b.starts_at, b.ends_at, b.is_total
FROM audit.days_bridge(%(first)s, %(last)s) AS b
ORDER BY b.day, b.place

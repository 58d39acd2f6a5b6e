SELECT o.run_date, o.reason, o.allowed_by, to_char(o.allowed_at, 'YYYY-MM-DD HH24:MI') AS allowed_at, o.is_used
FROM audit.days_let_through o
WHERE o.run_date BETWEEN %(first)s AND %(last)s
ORDER BY o.run_date DESC, o.allowed_at DESC

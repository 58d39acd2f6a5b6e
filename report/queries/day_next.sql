SELECT s.run_date, n.place, n.advice, n.statement, n.then_run
FROM audit.day_states s
CROSS JOIN LATERAL audit.day_next(s.run_date) AS n
WHERE s.run_date BETWEEN %(first)s AND %(last)s
ORDER BY s.run_date, n.place

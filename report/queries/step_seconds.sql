SELECT s.run_date, s.step AS name, s.seconds AS value
FROM audit.step_seconds s
WHERE s.run_date BETWEEN %(first)s AND %(last)s
ORDER BY s.run_date, s.position

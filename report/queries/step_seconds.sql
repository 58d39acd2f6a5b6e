WITH named AS (
    SELECT s.run_date, s.step, s.seconds, dense_rank() OVER (ORDER BY t.total DESC, s.step) AS place
    FROM audit.step_seconds s
    JOIN (
        SELECT n.step, sum(n.seconds) AS total
        FROM audit.step_seconds n
        WHERE n.run_date BETWEEN %(first)s AND %(last)s
        GROUP BY n.step
    ) AS t ON t.step = s.step
    WHERE s.run_date BETWEEN %(first)s AND %(last)s
)
SELECT n.run_date, CASE WHEN n.place < 8 THEN n.step ELSE 'other steps' END AS name, sum(n.seconds) AS value
FROM named n
GROUP BY n.run_date, CASE WHEN n.place < 8 THEN n.step ELSE 'other steps' END
ORDER BY n.run_date, min(n.place)

WITH named AS (
    SELECT s.day, s.name, s.net_revenue, dense_rank() OVER (ORDER BY t.total DESC, s.name) AS place
    FROM warehouse.daily_sales_by s
    JOIN (
        SELECT n.name, sum(n.net_revenue) AS total
        FROM warehouse.daily_sales_by n
        WHERE n.kind = 'category' AND n.day BETWEEN %(first)s AND %(last)s
        GROUP BY n.name
    ) AS t ON t.name = s.name
    WHERE s.kind = 'category' AND s.day BETWEEN %(first)s AND %(last)s
)
SELECT n.day AS run_date, CASE WHEN n.place < 8 THEN n.name ELSE '(other)' END AS name, sum(n.net_revenue) AS value
FROM named n
GROUP BY n.day, CASE WHEN n.place < 8 THEN n.name ELSE '(other)' END
ORDER BY n.day, min(n.place)

WITH sales AS (
    SELECT s.day, s.name, s.net_revenue
    FROM warehouse.daily_sales_by('category', %(first)s, %(last)s) s
),
named AS (
    SELECT s.day, s.name, s.net_revenue, dense_rank() OVER (ORDER BY t.total DESC, s.name) AS place
    FROM sales s
    JOIN (SELECT n.name, sum(n.net_revenue) AS total FROM sales n GROUP BY n.name) AS t ON t.name = s.name
)
SELECT n.day AS run_date, CASE WHEN n.place < 8 THEN n.name ELSE '(other)' END AS name, sum(n.net_revenue) AS value
FROM named n
GROUP BY n.day, CASE WHEN n.place < 8 THEN n.name ELSE '(other)' END
ORDER BY n.day, min(n.place)

WITH sales AS MATERIALIZED (
    SELECT s.day, s.name, s.net_revenue
    FROM warehouse.daily_sales_by('category', %(first)s, %(last)s) s
),
places AS (
    SELECT s.name, row_number() OVER (ORDER BY sum(s.net_revenue) DESC, s.name) AS place
    FROM sales s
    GROUP BY s.name
)
SELECT s.day AS run_date, CASE WHEN p.place < 8 THEN s.name ELSE '(other)' END AS name, sum(s.net_revenue) AS value
FROM sales s
JOIN places p ON p.name = s.name
GROUP BY s.day, CASE WHEN p.place < 8 THEN s.name ELSE '(other)' END
ORDER BY s.day, min(p.place)

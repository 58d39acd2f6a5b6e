WITH days AS MATERIALIZED (
    SELECT d.day, d.weekday, d.status, d.is_loaded, d.net_revenue
    FROM warehouse.daily_sales d
    WHERE d.day BETWEEN %(first)s::date - 56 AND %(last)s
)
SELECT d.day AS run_date, d.weekday, d.status, d.is_loaded, d.net_revenue AS value, b.usual, u.low, u.high,
       d.is_loaded AND (u.value < u.low OR u.value > u.high) AS is_unusual,
       round(100 * (d.net_revenue - b.usual) / nullif(b.usual, 0)) AS percent
FROM days d
-- The usual is the median of the same weekdays. The band is that of the rule net_revenue_unusual.
LEFT JOIN (
    SELECT c.day, percentile_cont(0.5) WITHIN GROUP (ORDER BY s.net_revenue::float8)::numeric AS usual
    FROM (SELECT n.day, unnest(audit.usual_days(n.day)) AS before FROM days n WHERE n.day BETWEEN %(first)s AND %(last)s) AS c
    JOIN days s ON s.day = c.before
    GROUP BY c.day
) AS b ON b.day = d.day
LEFT JOIN audit.daily_usual('net_revenue', %(first)s, %(last)s) AS u ON u.run_date = d.day
WHERE d.day BETWEEN %(first)s AND %(last)s
ORDER BY d.day

SELECT d.day AS run_date, d.weekday, d.status, d.is_loaded, d.net_revenue AS value, b.usual, u.low, u.high,
       d.is_loaded AND (u.value < u.low OR u.value > u.high) AS is_unusual,
       round(100 * (d.net_revenue - b.usual) / nullif(b.usual, 0)) AS percent
FROM warehouse.daily_sales d
-- The usual is the median of the same weekdays. The band is that of the rule net_revenue_unusual.
CROSS JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY s.net_revenue::float8)::numeric AS usual
    FROM warehouse.daily_sales s
    WHERE s.day = ANY (audit.usual_days(d.day)) AND s.day BETWEEN %(first)s::date - 56 AND %(last)s
) AS b
LEFT JOIN audit.daily_usual('net_revenue', %(first)s, %(last)s) AS u ON u.run_date = d.day
WHERE d.day BETWEEN %(first)s AND %(last)s
ORDER BY d.day

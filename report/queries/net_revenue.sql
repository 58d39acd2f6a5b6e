SELECT d.day AS run_date, d.weekday, d.status, d.is_loaded, d.net_revenue AS value, u.usual, u.low, u.high,
       d.is_loaded AND (u.value < u.low OR u.value > u.high) AS is_unusual, u.value < u.usual AS is_low,
       round(100 * (u.value - u.usual) / nullif(u.usual, 0)) AS percent
FROM warehouse.daily_sales d
LEFT JOIN audit.daily_usual('net_revenue', %(first)s, %(last)s) AS u ON u.run_date = d.day
WHERE d.day BETWEEN %(first)s AND %(last)s
ORDER BY d.day

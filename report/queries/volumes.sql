SELECT v.source, v.run_date, v.delivered AS value, true AS is_loaded, u.usual, u.low, u.high, u.value < u.low OR u.value > u.high AS is_unusual
FROM audit.source_volumes v
LEFT JOIN (
    SELECT 'orders' AS source, o.* FROM audit.daily_usual('order_lines_delivered', %(first)s, %(last)s) AS o
    UNION ALL
    SELECT 'events', e.* FROM audit.daily_usual('events_delivered', %(first)s, %(last)s) AS e
    UNION ALL
    SELECT 'products', p.* FROM audit.daily_usual('products_delivered', %(first)s, %(last)s) AS p
) AS u ON u.source = v.source AND u.run_date = v.run_date
WHERE v.run_date BETWEEN %(first)s AND %(last)s
ORDER BY v.source, v.run_date

SELECT f.place, f.name, f.unit, f.value, u.usual, round(100 * (f.value - u.usual) / nullif(u.usual, 0)) AS percent,
       CASE WHEN abs(f.value - u.usual) < 0.02 * u.usual THEN 'even'
            WHEN (f.value > u.usual) = f.more_is_good THEN 'better' ELSE 'worse' END AS side,
       d.weekday, d.day AS run_date
FROM warehouse.daily_sales d
CROSS JOIN LATERAL (VALUES
    (1, 'Net revenue', 'money', d.net_revenue, 'net_revenue', true),
    (2, 'Orders sold', 'count', d.orders_sold::numeric, 'orders', true),
    (3, 'Basket', 'price', d.basket, 'basket', true),
    (4, 'Customers', 'count', d.customers::numeric, 'users_ordering', true),
    (5, 'Purchases per view', 'share', d.purchases_per_view, 'conversion', true),
    (6, 'Lines rejected', 'share', d.rejected_share, 'orders_rejected', false)
) AS f (place, name, unit, value, measure, more_is_good)
LEFT JOIN LATERAL audit.daily_usual(f.measure, d.day, d.day) AS u ON true
WHERE d.day = %(last_loaded)s
ORDER BY f.place

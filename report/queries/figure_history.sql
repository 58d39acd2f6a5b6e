SELECT f.name, d.day AS run_date, f.value
FROM warehouse.daily_sales d
CROSS JOIN LATERAL (VALUES
    ('Net revenue', d.net_revenue), ('Orders sold', d.orders_sold), ('Basket', d.basket), ('Customers', d.customers),
    ('Purchases per view', d.purchases_per_view), ('Lines rejected', d.rejected_share)
) AS f (name, value)
WHERE d.day BETWEEN %(first)s AND %(last)s AND d.is_loaded
ORDER BY f.name, d.day

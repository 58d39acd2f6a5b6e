SELECT f.place, f.name, f.unit, f.value, u.usual, round(100 * (f.value - u.usual) / nullif(u.usual, 0)) AS percent,
       CASE WHEN abs(f.value - u.usual) < 0.02 * u.usual THEN 'even'
            WHEN (f.value > u.usual) = (f.name <> 'Lines rejected') THEN 'better' ELSE 'worse' END AS side,
       d.weekday, d.day AS run_date
FROM warehouse.daily_sales d
CROSS JOIN LATERAL (VALUES
    (1, 'Net revenue', 'money', d.net_revenue), (2, 'Orders sold', 'count', d.orders_sold), (3, 'Basket', 'price', d.basket),
    (4, 'Customers', 'count', d.customers), (5, 'Purchases per view', 'share', d.purchases_per_view),
    (6, 'Lines rejected', 'share', d.rejected_share)
) AS f (place, name, unit, value)
-- The usual is the median of the same weekdays, as in audit.usual_days.
CROSS JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE f.place
               WHEN 1 THEN b.net_revenue WHEN 2 THEN b.orders_sold WHEN 3 THEN b.basket
               WHEN 4 THEN b.customers WHEN 5 THEN b.purchases_per_view ELSE b.rejected_share END::float8)::numeric AS usual
    FROM warehouse.daily_sales b
    WHERE b.day = ANY (audit.usual_days(d.day)) AND b.day BETWEEN d.day - 56 AND d.day
) AS u
WHERE d.day = %(last_loaded)s
ORDER BY f.place

SELECT p.direction, p.place, p.product_name AS name, p.category, p.net_revenue, p.net_revenue_before, p.change,
       100 * p.change_share AS percent
FROM warehouse.products_compared(%(week)s, %(last)s, 8) AS p
ORDER BY p.direction DESC, p.place

SELECT s.kind, s.place, s.name, s.orders, s.net_revenue,
       100 * s.net_revenue / nullif(sum(s.net_revenue) OVER (PARTITION BY s.kind), 0) AS percent
FROM warehouse.sales_by_kinds(%(kinds)s, %(month)s, %(last)s) AS s
ORDER BY s.kind, s.place

SELECT s.place, s.name, s.orders, s.net_revenue, 100 * s.net_revenue / nullif(sum(s.net_revenue) OVER (), 0) AS percent
FROM warehouse.sales_by('source', %(month)s, %(last)s) AS s
ORDER BY s.place

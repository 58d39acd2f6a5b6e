-- With a constant kind the other branches are not read.
CREATE VIEW warehouse.daily_groups AS
SELECT d.load_date AS day,
       'category' AS kind,
       p.category AS name,
       NULL::bigint AS orders,
       sum(d.first_orders)::bigint AS least_orders,
       sum(d.lines)::bigint AS lines,
       sum(d.net_revenue) AS net_revenue
FROM warehouse.daily_products d
JOIN warehouse.dim_product p ON p.product_id = d.product_id
GROUP BY d.load_date, p.category
UNION ALL
SELECT o.load_date, 'city', u.city, count(*), count(*), sum(o.lines)::bigint, sum(o.net_revenue)
FROM (
    SELECT f.load_date, f.order_id, f.user_id, count(*) AS lines, sum(f.revenue - coalesce(f.refunded, 0)) AS net_revenue
    FROM warehouse.fact_orders f
    JOIN warehouse.order_statuses s ON s.status = f.status AND s.counts_as_sale
    GROUP BY f.load_date, f.order_id, f.user_id
) AS o
JOIN warehouse.dim_user u ON u.user_id = o.user_id
GROUP BY o.load_date, u.city
UNION ALL
SELECT o.load_date, 'source', u.marketing_source, count(*), count(*), sum(o.lines)::bigint, sum(o.net_revenue)
FROM (
    SELECT f.load_date, f.order_id, f.user_id, count(*) AS lines, sum(f.revenue - coalesce(f.refunded, 0)) AS net_revenue
    FROM warehouse.fact_orders f
    JOIN warehouse.order_statuses s ON s.status = f.status AND s.counts_as_sale
    GROUP BY f.load_date, f.order_id, f.user_id
) AS o
JOIN warehouse.dim_user u ON u.user_id = o.user_id
GROUP BY o.load_date, u.marketing_source;

COMMENT ON VIEW warehouse.daily_groups IS 'One row per day, kind of group and group of what was sold, however small: what warehouse.daily_sales_by and sales_by add up. Filter by kind and day; cities and sources read the facts of these days.';
COMMENT ON COLUMN warehouse.daily_groups.day IS 'Day of the delivery';
COMMENT ON COLUMN warehouse.daily_groups.kind IS 'category, as the newest catalogue says; or city or source of the customer, as it is now';
COMMENT ON COLUMN warehouse.daily_groups.name IS 'Name of the group; NULL if nobody says';
COMMENT ON COLUMN warehouse.daily_groups.orders IS 'Orders sold; NULL for categories';
COMMENT ON COLUMN warehouse.daily_groups.least_orders IS 'At least so many orders are in it: of a category those whose first line is of it';
COMMENT ON COLUMN warehouse.daily_groups.lines IS 'Lines sold';
COMMENT ON COLUMN warehouse.daily_groups.net_revenue IS 'Revenue of these lines, less what was refunded';

-- Sales by group and day, for the report. A view that uses functions: it is made with these, whenever this file changes.
-- No group under five orders is told, nor can it be found by subtraction: such groups are together in (other), and if that would have
-- fewer than five orders, the next larger group is in it, too.
DROP VIEW IF EXISTS warehouse.daily_sales_by;
CREATE VIEW warehouse.daily_sales_by AS
SELECT g.day,
       g.kind,
       CASE WHEN g.is_small THEN '(other)' ELSE g.name END AS name,
       sum(g.lines)::bigint AS lines,
       sum(g.net_revenue) AS net_revenue
FROM (
    SELECT s.day, s.kind, s.name, s.least_orders, s.lines, s.net_revenue,
           s.name = '(other)' OR s.least_orders < 5
           OR coalesce(sum(s.least_orders) OVER (PARTITION BY s.day, s.kind ORDER BY s.least_orders, s.name COLLATE "C"
                                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) BETWEEN 0 AND 4, false) AS is_small
    FROM (
        SELECT d.day, d.kind, n.name, sum(d.least_orders) AS least_orders, sum(d.lines) AS lines, sum(d.net_revenue) AS net_revenue
        FROM warehouse.daily_groups d
        CROSS JOIN LATERAL (SELECT coalesce(audit._shown(d.name), '(unknown)') AS name) AS n
        GROUP BY d.day, d.kind, n.name
    ) AS s
) AS g
GROUP BY g.day, g.kind, CASE WHEN g.is_small THEN '(other)' ELSE g.name END
HAVING sum(g.least_orders) >= 5;

COMMENT ON VIEW warehouse.daily_sales_by IS 'One row per day, kind of group and group of what was sold; groups under five orders are together in (other), days under five orders have no row. Filter by kind and day: cities and sources read the facts of these days.';
COMMENT ON COLUMN warehouse.daily_sales_by.day IS 'Day of the delivery';
COMMENT ON COLUMN warehouse.daily_sales_by.kind IS 'category, as the newest catalogue says; or city or source of the customer, as it is now';
COMMENT ON COLUMN warehouse.daily_sales_by.name IS 'Name of the group; (unknown) if nobody says';
COMMENT ON COLUMN warehouse.daily_sales_by.lines IS 'Lines sold';
COMMENT ON COLUMN warehouse.daily_sales_by.net_revenue IS 'Revenue of these lines, less what was refunded';

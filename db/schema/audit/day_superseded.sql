CREATE VIEW audit.day_superseded AS
SELECT s.load_date AS run_date,
       o.load_date AS by_day,
       count(DISTINCT s.order_id) AS orders,
       count(*) AS lines,
       sum(s.revenue) AS revenue
FROM warehouse.orders_superseded s
JOIN warehouse.order_owners o ON o.order_id = s.order_id
GROUP BY s.load_date, o.load_date;

COMMENT ON VIEW audit.day_superseded IS 'One row per day, and other day whose reports of the same orders count. Filter by run_date.';
COMMENT ON COLUMN audit.day_superseded.run_date IS 'Day whose orders these were';
COMMENT ON COLUMN audit.day_superseded.by_day IS 'Day whose report counts now';
COMMENT ON COLUMN audit.day_superseded.orders IS 'Orders';
COMMENT ON COLUMN audit.day_superseded.lines IS 'Their lines in the report that does not count';
COMMENT ON COLUMN audit.day_superseded.revenue IS 'Revenue of these lines, whatever the status';

CREATE VIEW audit.daily_superseded AS
SELECT s.run_date,
       CASE WHEN s.is_small THEN NULL ELSE s.by_day END AS by_day,
       sum(s.orders)::bigint AS orders,
       sum(s.lines)::bigint AS lines,
       sum(s.revenue) AS revenue
FROM (
    SELECT d.run_date, d.by_day, d.orders, d.lines, d.revenue,
           d.orders < 5 OR coalesce(sum(d.orders) OVER (PARTITION BY d.run_date ORDER BY d.orders, d.by_day
                                                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) < 5, false) AS is_small
    FROM audit.day_superseded d
) AS s
GROUP BY s.run_date, CASE WHEN s.is_small THEN NULL ELSE s.by_day END
HAVING sum(s.orders) >= 5;

COMMENT ON VIEW audit.daily_superseded IS 'One row per day, and other day whose reports of the same orders count; other days with under five orders are together. Filter by run_date.';
COMMENT ON COLUMN audit.daily_superseded.run_date IS 'Day whose orders these were';
COMMENT ON COLUMN audit.daily_superseded.by_day IS 'Day whose report counts now; NULL for several';
COMMENT ON COLUMN audit.daily_superseded.orders IS 'Orders';
COMMENT ON COLUMN audit.daily_superseded.lines IS 'Their lines in the report that does not count';
COMMENT ON COLUMN audit.daily_superseded.revenue IS 'Revenue of these lines, whatever the status';

CREATE VIEW audit.daily_statuses AS
SELECT s.run_date,
       CASE WHEN s.is_small THEN '(other)' ELSE s.status END AS status,
       CASE WHEN s.is_small THEN NULL ELSE s.counts_as_sale END AS counts_as_sale,
       sum(s.orders)::bigint AS orders,
       sum(s.lines)::bigint AS lines,
       sum(s.revenue) AS revenue
FROM (
    SELECT d.run_date, d.status, d.counts_as_sale, d.orders, d.lines, d.revenue,
           d.orders < 5 OR coalesce(sum(d.orders) OVER (PARTITION BY d.run_date ORDER BY d.orders, d.status
                                                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) < 5, false) AS is_small
    FROM audit.day_statuses d
) AS s
GROUP BY s.run_date, s.is_small, CASE WHEN s.is_small THEN '(other)' ELSE s.status END, CASE WHEN s.is_small THEN NULL ELSE s.counts_as_sale END
HAVING sum(s.orders) >= 5;

COMMENT ON VIEW audit.daily_statuses IS 'One row per day and status of the orders in its facts; statuses under five orders are together in (other), days under five orders have no row. Filter by run_date.';
COMMENT ON COLUMN audit.daily_statuses.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.daily_statuses.status IS 'Canonical status, or (other)';
COMMENT ON COLUMN audit.daily_statuses.counts_as_sale IS 'Whether net revenue counts it; NULL for (other)';
COMMENT ON COLUMN audit.daily_statuses.orders IS 'Orders';
COMMENT ON COLUMN audit.daily_statuses.lines IS 'Their lines';
COMMENT ON COLUMN audit.daily_statuses.revenue IS 'Of these lines';

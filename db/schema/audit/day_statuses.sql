CREATE VIEW audit.day_statuses AS
SELECT d.load_date AS run_date,
       d.status,
       s.counts_as_sale,
       d.orders,
       d.lines,
       d.revenue
FROM warehouse.daily_order_statuses d
JOIN warehouse.order_statuses s ON s.status = d.status;

COMMENT ON VIEW audit.day_statuses IS 'One row per day and status of the orders in its facts. Filter by run_date.';
COMMENT ON COLUMN audit.day_statuses.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.day_statuses.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN audit.day_statuses.counts_as_sale IS 'Whether net revenue counts it';
COMMENT ON COLUMN audit.day_statuses.orders IS 'Orders';
COMMENT ON COLUMN audit.day_statuses.lines IS 'Their lines';
COMMENT ON COLUMN audit.day_statuses.revenue IS 'Of these lines';

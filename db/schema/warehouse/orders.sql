CREATE VIEW warehouse.orders AS
SELECT f.order_id,
       min(f.order_ts) AS ordered_at,
       (min(f.order_ts) AT TIME ZONE 'UTC')::date AS order_date,
       min(f.status) AS status,
       bool_or(s.counts_as_sale) AS counts_as_sale,
       min(f.user_id) AS user_id,
       count(*) AS lines,
       sum(f.quantity) AS pieces,
       sum(f.revenue) AS revenue,
       coalesce(sum(f.revenue) FILTER (WHERE s.counts_as_sale), 0) AS net_revenue,
       f.load_date AS reported_on
FROM warehouse.fact_orders f
JOIN warehouse.order_statuses s ON s.status = f.status
GROUP BY f.load_date, f.order_id;

COMMENT ON VIEW warehouse.orders IS 'One row per order, as the report that counts has it. Filter by reported_on or, for days on which they were placed, by warehouse.order_lines.date_id.';
COMMENT ON COLUMN warehouse.orders.order_id IS 'Order';
COMMENT ON COLUMN warehouse.orders.ordered_at IS 'When it was placed';
COMMENT ON COLUMN warehouse.orders.order_date IS 'Day on which it was placed (UTC)';
COMMENT ON COLUMN warehouse.orders.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.orders.counts_as_sale IS 'Whether net revenue counts it';
COMMENT ON COLUMN warehouse.orders.user_id IS 'Customer; (guest) without one';
COMMENT ON COLUMN warehouse.orders.lines IS 'Lines that the warehouse has of it; rejected ones are not among them';
COMMENT ON COLUMN warehouse.orders.pieces IS 'Sum of quantities';
COMMENT ON COLUMN warehouse.orders.revenue IS 'Sum of quantity x unit_price, whatever the status';
COMMENT ON COLUMN warehouse.orders.net_revenue IS 'The same if it counts as a sale, else 0';
COMMENT ON COLUMN warehouse.orders.reported_on IS 'Day of the delivery whose report counts';

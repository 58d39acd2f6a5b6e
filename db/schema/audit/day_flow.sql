-- The facts of a day are counted for the days that are asked for, and of no other: filter by run_date.
CREATE VIEW audit.day_flow AS
SELECT m.run_date,
       m.status,
       m.raw_order_lines_count AS delivered,
       m.duplicate_orders_count AS duplicate,
       m.rejected_orders_count AS rejected,
       m.superseded_orders_count AS superseded,
       m.staging_orders_count - m.superseded_orders_count - m.fact_orders_count AS not_loaded,
       m.fact_orders_count - s.lines AS no_sale,
       s.lines AS sold,
       m.net_revenue
FROM warehouse.daily_metrics m
CROSS JOIN LATERAL (
    SELECT count(*) AS lines
    FROM warehouse.fact_orders f
    JOIN warehouse.order_statuses t ON t.status = f.status AND t.counts_as_sale
    WHERE f.load_date = m.run_date
) AS s;

COMMENT ON VIEW audit.day_flow IS 'One row per day: its order lines from delivered down to sold. Filter by run_date: each day''s facts are counted.';
COMMENT ON COLUMN audit.day_flow.run_date IS 'Day';
COMMENT ON COLUMN audit.day_flow.status IS 'running, succeeded, failed or blocked: how its last run stands';
COMMENT ON COLUMN audit.day_flow.delivered IS 'Order lines delivered = the six that follow';
COMMENT ON COLUMN audit.day_flow.duplicate IS 'Lines that a later report of the same day replaced';
COMMENT ON COLUMN audit.day_flow.rejected IS 'Lines rejected: audit.bad_records';
COMMENT ON COLUMN audit.day_flow.superseded IS 'Lines that the delivery of a later day reported again';
COMMENT ON COLUMN audit.day_flow.not_loaded IS 'Clean lines that are not in the facts';
COMMENT ON COLUMN audit.day_flow.no_sale IS 'Lines in the facts whose status is no sale';
COMMENT ON COLUMN audit.day_flow.sold IS 'Lines in the facts whose status counts as a sale';
COMMENT ON COLUMN audit.day_flow.net_revenue IS 'Revenue of the lines sold';

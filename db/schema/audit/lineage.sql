CREATE VIEW audit.lineage AS
SELECT r.run_date AS load_date,
       l.file_name,
       r.line_number AS file_line_number,
       r.ingested_at,
       r.raw_orders_id,
       s.staging_orders_id,
       f.fact_orders_id,
       s.order_id,
       s.line_number,
       s.revenue
FROM staging.orders_clean s
JOIN raw.orders_json r ON r.raw_orders_id = s.raw_orders_id AND r.run_date = s.load_date
JOIN raw.file_loads l ON l.load_id = r.load_id
LEFT JOIN warehouse.fact_orders f
       ON f.order_id = s.order_id AND f.line_number = s.line_number AND f.load_date = s.load_date
      AND f.staging_orders_id = s.staging_orders_id;

COMMENT ON VIEW audit.lineage IS 'One row per clean order line: from the delivery to the fact, by equality of ids. Filter by load_date.';
COMMENT ON COLUMN audit.lineage.load_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.lineage.file_name IS 'Delivery';
COMMENT ON COLUMN audit.lineage.file_line_number IS 'Where in the file: line, or element of an array';
COMMENT ON COLUMN audit.lineage.ingested_at IS 'When it was loaded';
COMMENT ON COLUMN audit.lineage.raw_orders_id IS 'Row of raw.orders_json';
COMMENT ON COLUMN audit.lineage.staging_orders_id IS 'Row of staging.orders_clean';
COMMENT ON COLUMN audit.lineage.fact_orders_id IS 'Row of fact_orders; NULL while it is not loaded, or while the report of another load counts';
COMMENT ON COLUMN audit.lineage.order_id IS 'Order';
COMMENT ON COLUMN audit.lineage.line_number IS 'Item of the order';
COMMENT ON COLUMN audit.lineage.revenue IS 'Of the line, in the warehouse''s currency';

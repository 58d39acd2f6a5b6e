-- It has the columns of fact_orders: one that is added there is added here, with the same ALTER TABLE.
CREATE TABLE warehouse.orders_superseded (
    LIKE warehouse.fact_orders INCLUDING COMMENTS,
    CONSTRAINT orders_superseded_pkey PRIMARY KEY (order_id, load_date, line_number)
);
CREATE INDEX idx_orders_superseded_load_date ON warehouse.orders_superseded (load_date);

COMMENT ON TABLE warehouse.orders_superseded IS 'One row per order line of a load while the report of another load counts. It comes back when that other load is corrected.';

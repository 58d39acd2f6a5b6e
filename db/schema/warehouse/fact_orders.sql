CREATE TABLE warehouse.fact_orders (
    fact_orders_id    bigint NOT NULL,
    order_id          text COLLATE "C" NOT NULL,
    line_number       integer NOT NULL,
    user_id           text COLLATE "C" NOT NULL,
    product_id        text COLLATE "C" NOT NULL,
    date_id           integer NOT NULL,
    quantity          numeric NOT NULL,
    unit_price        numeric NOT NULL,
    revenue           numeric NOT NULL,
    order_ts          timestamptz NOT NULL,
    status            text NOT NULL,
    load_date         date NOT NULL,
    staging_orders_id bigint NOT NULL,
    attributes        jsonb,
    discount            numeric,
    tax                 numeric,
    shipping            numeric,
    refunded            numeric,
    currency            text COLLATE "C",
    revenue_in_currency numeric,
    source_updated_at   timestamptz,
    CONSTRAINT fact_orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES warehouse.dim_user (user_id),
    CONSTRAINT fact_orders_product_id_fkey FOREIGN KEY (product_id) REFERENCES warehouse.dim_product (product_id),
    CONSTRAINT fact_orders_date_id_fkey FOREIGN KEY (date_id) REFERENCES warehouse.dim_date (date_id)
) PARTITION BY RANGE (load_date);
CREATE UNIQUE INDEX idx_fact_orders_line ON warehouse.fact_orders (order_id, line_number, load_date);
ALTER TABLE warehouse.fact_orders REPLICA IDENTITY USING INDEX idx_fact_orders_line;
CREATE INDEX idx_fact_orders_date_id ON warehouse.fact_orders (date_id);
CREATE INDEX idx_fact_orders_user_id ON warehouse.fact_orders (user_id);
-- Without it, removing a product that nothing mentions any more would read every fact.
CREATE INDEX idx_fact_orders_product_id ON warehouse.fact_orders (product_id);

COMMENT ON TABLE warehouse.fact_orders IS 'One row per order line. An order counts once, with the lines of the load whose report counts: SUM(revenue) is right without a filter. Partitioned by load_date.';
COMMENT ON COLUMN warehouse.fact_orders.fact_orders_id IS 'staging_orders_id of the line: lineage is an equality';
COMMENT ON COLUMN warehouse.fact_orders.order_id IS 'Of the source';
COMMENT ON COLUMN warehouse.fact_orders.line_number IS 'Item of the order, from 1';
COMMENT ON COLUMN warehouse.fact_orders.user_id IS 'warehouse.dim_user; (guest) without one';
COMMENT ON COLUMN warehouse.fact_orders.product_id IS 'warehouse.dim_product';
COMMENT ON COLUMN warehouse.fact_orders.date_id IS 'Day on which the order was placed (the shop''s: setting time_zone): warehouse.dim_date';
COMMENT ON COLUMN warehouse.fact_orders.quantity IS 'Pieces, or kilograms, metres, …; below 0 for a return';
COMMENT ON COLUMN warehouse.fact_orders.unit_price IS 'Price of one piece, in the warehouse''s currency';
COMMENT ON COLUMN warehouse.fact_orders.revenue IS 'quantity x unit_price, or the source''s line_total, less discount, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.fact_orders.order_ts IS 'When the order was placed';
COMMENT ON COLUMN warehouse.fact_orders.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.fact_orders.load_date IS 'Load that the line is of: the one whose report of the order counts';
COMMENT ON COLUMN warehouse.fact_orders.staging_orders_id IS 'Row of staging.orders_clean';
COMMENT ON COLUMN warehouse.fact_orders.attributes IS 'Custom fields of the line, its order and its customer, by name: staging.fields; NULL if there are none';
COMMENT ON COLUMN warehouse.fact_orders.discount IS 'What was taken off: the line''s own discount and its share of the order''s; NULL if the source says of none. In the warehouse''s currency, like all amounts but one';
COMMENT ON COLUMN warehouse.fact_orders.tax IS 'Tax of the line: its own, and its share of what the order adds; NULL if the source says of none';
COMMENT ON COLUMN warehouse.fact_orders.shipping IS 'Its share of the order''s shipping; not in revenue. NULL if the source says of none';
COMMENT ON COLUMN warehouse.fact_orders.refunded IS 'Its share of what was paid back; net revenue is less it. NULL if the source says of none';
COMMENT ON COLUMN warehouse.fact_orders.currency IS 'Currency that the order is in; NULL if nobody says: neither the order nor the setting currency';
COMMENT ON COLUMN warehouse.fact_orders.revenue_in_currency IS 'Revenue in the order''s own currency; NULL where currency is';
COMMENT ON COLUMN warehouse.fact_orders.source_updated_at IS 'When the source last changed the order, as it says in updated_at; NULL if it does not say';

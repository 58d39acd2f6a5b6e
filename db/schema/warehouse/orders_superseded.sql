CREATE TABLE warehouse.orders_superseded (
    fact_orders_id    bigint NOT NULL,
    order_id          text COLLATE "C" NOT NULL,
    line_number       integer NOT NULL,
    user_id           text COLLATE "C" NOT NULL,
    product_id        text COLLATE "C" NOT NULL,
    date_id           integer NOT NULL,
    quantity          integer NOT NULL,
    unit_price        numeric NOT NULL,
    revenue           numeric NOT NULL,
    order_ts          timestamptz NOT NULL,
    status            text NOT NULL,
    load_date         date NOT NULL,
    staging_orders_id bigint NOT NULL,
    CONSTRAINT orders_superseded_pkey PRIMARY KEY (order_id, load_date, line_number)
);
CREATE INDEX idx_orders_superseded_load_date ON warehouse.orders_superseded (load_date);

COMMENT ON TABLE warehouse.orders_superseded IS 'One row per order line of a load that a later load reported again. It comes back when that later load is corrected.';
COMMENT ON COLUMN warehouse.orders_superseded.fact_orders_id IS 'staging_orders_id of the line: lineage is an equality';
COMMENT ON COLUMN warehouse.orders_superseded.order_id IS 'Of the source';
COMMENT ON COLUMN warehouse.orders_superseded.line_number IS 'Item of the order, from 1';
COMMENT ON COLUMN warehouse.orders_superseded.user_id IS 'warehouse.dim_user; (guest) without one';
COMMENT ON COLUMN warehouse.orders_superseded.product_id IS 'warehouse.dim_product';
COMMENT ON COLUMN warehouse.orders_superseded.date_id IS 'Day on which the order was placed (UTC): warehouse.dim_date';
COMMENT ON COLUMN warehouse.orders_superseded.quantity IS 'Pieces, above 0';
COMMENT ON COLUMN warehouse.orders_superseded.unit_price IS 'Price of one piece in the currency of the shop';
COMMENT ON COLUMN warehouse.orders_superseded.revenue IS 'quantity x unit_price, whatever the status';
COMMENT ON COLUMN warehouse.orders_superseded.order_ts IS 'When the order was placed';
COMMENT ON COLUMN warehouse.orders_superseded.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.orders_superseded.load_date IS 'Load that the line is of: the last one that has the order';
COMMENT ON COLUMN warehouse.orders_superseded.staging_orders_id IS 'Row of staging.orders_clean';

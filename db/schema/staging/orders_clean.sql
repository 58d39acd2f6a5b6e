CREATE TABLE staging.orders_clean (
    staging_orders_id bigint      NOT NULL,
    load_date         date        NOT NULL,
    order_id          text        COLLATE "C" NOT NULL,
    line_number       integer     NOT NULL,
    user_id           text        COLLATE "C",
    product_id        text        COLLATE "C" NOT NULL,
    quantity          integer     NOT NULL,
    unit_price        numeric     NOT NULL,
    revenue           numeric     NOT NULL,
    order_ts          timestamptz NOT NULL,
    status            text        NOT NULL,
    city              text,
    signup_date       date,
    marketing_source  text,
    raw_orders_id     bigint      NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    attributes        jsonb,
    source_updated_at timestamptz
) PARTITION BY RANGE (load_date);
CREATE UNIQUE INDEX idx_orders_clean_line ON staging.orders_clean (order_id, line_number, load_date);
ALTER TABLE staging.orders_clean REPLICA IDENTITY USING INDEX idx_orders_clean_line;

COMMENT ON TABLE staging.orders_clean IS 'One row per order line and load. Partitioned by load_date.';
COMMENT ON COLUMN staging.orders_clean.staging_orders_id IS 'raw_orders_id x 1,000,000 + line_number';
COMMENT ON COLUMN staging.orders_clean.load_date IS 'Day of the delivery';
COMMENT ON COLUMN staging.orders_clean.order_id IS 'Of the source';
COMMENT ON COLUMN staging.orders_clean.line_number IS 'Item of the order, from 1 in the order given';
COMMENT ON COLUMN staging.orders_clean.user_id IS 'Of the source; NULL for a guest';
COMMENT ON COLUMN staging.orders_clean.product_id IS 'Of the source';
COMMENT ON COLUMN staging.orders_clean.quantity IS 'Pieces, above 0';
COMMENT ON COLUMN staging.orders_clean.unit_price IS 'Price of one piece in the currency of the shop, not below 0';
COMMENT ON COLUMN staging.orders_clean.revenue IS 'quantity x unit_price, exactly';
COMMENT ON COLUMN staging.orders_clean.order_ts IS 'When the order was placed';
COMMENT ON COLUMN staging.orders_clean.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN staging.orders_clean.city IS 'Of the customer, as the order says';
COMMENT ON COLUMN staging.orders_clean.signup_date IS 'Of the customer, as the order says';
COMMENT ON COLUMN staging.orders_clean.marketing_source IS 'Of the customer, as the order says';
COMMENT ON COLUMN staging.orders_clean.raw_orders_id IS 'Raw row that it came from: raw.orders_json';
COMMENT ON COLUMN staging.orders_clean.created_at IS 'When this line of this load was first cleaned';
COMMENT ON COLUMN staging.orders_clean.updated_at IS 'When a business column of it last changed';
COMMENT ON COLUMN staging.orders_clean.attributes IS 'Custom fields of the order, its line and its customer: those of staging.fields without a column; NULL if there are none';
COMMENT ON COLUMN staging.orders_clean.source_updated_at IS 'When the source last changed the order, as it says in updated_at; NULL if it does not say';

CREATE TABLE staging.orders_clean (
    staging_orders_id bigint      NOT NULL,
    load_date         date        NOT NULL,
    order_id          text        COLLATE "C" NOT NULL,
    line_number       integer     NOT NULL,
    user_id           text        COLLATE "C",
    product_id        text        COLLATE "C" NOT NULL,
    quantity          numeric     NOT NULL,
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
    discount            numeric,
    tax                 numeric,
    shipping            numeric,
    refunded            numeric,
    currency            text COLLATE "C",
    revenue_in_currency numeric,
    source_updated_at   timestamptz,
    emptied             text[]
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
COMMENT ON COLUMN staging.orders_clean.quantity IS 'Pieces, or kilograms, metres, …: above 0; below it for a return, if the setting negative_lines lets it in';
COMMENT ON COLUMN staging.orders_clean.unit_price IS 'Price of one piece, as delivered; line_total / quantity where the source gives that. In the warehouse''s currency';
COMMENT ON COLUMN staging.orders_clean.revenue IS 'quantity x unit_price, or the source''s line_total, less discount; in the warehouse''s currency';
COMMENT ON COLUMN staging.orders_clean.order_ts IS 'When the order was placed';
COMMENT ON COLUMN staging.orders_clean.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN staging.orders_clean.city IS 'Of the customer, as the order says';
COMMENT ON COLUMN staging.orders_clean.signup_date IS 'Of the customer, as the order says';
COMMENT ON COLUMN staging.orders_clean.marketing_source IS 'Of the customer, as the order says';
COMMENT ON COLUMN staging.orders_clean.raw_orders_id IS 'Raw row that it came from: raw.orders_json';
COMMENT ON COLUMN staging.orders_clean.created_at IS 'When this line of this load was first cleaned';
COMMENT ON COLUMN staging.orders_clean.updated_at IS 'When a business column of it last changed';
COMMENT ON COLUMN staging.orders_clean.attributes IS 'Custom fields of the order, its line and its customer: those of staging.fields without a column; NULL if there are none';
COMMENT ON COLUMN staging.orders_clean.discount IS 'What is taken off: the line''s own discount and its share of the order''s; NULL if the source says of none. In the warehouse''s currency, like all amounts here but one';
COMMENT ON COLUMN staging.orders_clean.tax IS 'Tax of the line: its own, and its share of what the order adds; NULL if the source says of none';
COMMENT ON COLUMN staging.orders_clean.shipping IS 'Its share of the order''s shipping; NULL if the source says of none';
COMMENT ON COLUMN staging.orders_clean.refunded IS 'Its share of what was paid back; NULL if the source says of none';
COMMENT ON COLUMN staging.orders_clean.currency IS 'Currency that the order is in, in upper case; the setting currency if it names none, and NULL without the setting';
COMMENT ON COLUMN staging.orders_clean.revenue_in_currency IS 'Revenue in the order''s own currency; NULL where currency is';
COMMENT ON COLUMN staging.orders_clean.source_updated_at IS 'When the source last changed the order, as it says in updated_at; NULL if it does not say';
COMMENT ON COLUMN staging.orders_clean.emptied IS 'Fields that were left empty because nobody can read their value: city, signup_date, marketing_source, user, and custom fields whose on_fault is empty; NULL if there are none';

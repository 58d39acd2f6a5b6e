CREATE TABLE warehouse.daily_order_statuses (
    load_date date    NOT NULL,
    status    text    NOT NULL,
    orders    bigint  NOT NULL,
    lines     bigint  NOT NULL,
    revenue   numeric NOT NULL,
    CONSTRAINT daily_order_statuses_pkey PRIMARY KEY (load_date, status)
);
COMMENT ON TABLE warehouse.daily_order_statuses IS 'One row per day and status of the orders in its facts, kept by the steps that change the facts';
COMMENT ON COLUMN warehouse.daily_order_statuses.load_date IS 'Load that the orders are of';
COMMENT ON COLUMN warehouse.daily_order_statuses.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.daily_order_statuses.orders IS 'Orders';
COMMENT ON COLUMN warehouse.daily_order_statuses.lines IS 'Their lines';
COMMENT ON COLUMN warehouse.daily_order_statuses.revenue IS 'Of these lines, before what was refunded';

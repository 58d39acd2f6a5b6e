CREATE TABLE warehouse.daily_products (
    load_date    date    NOT NULL,
    product_id   text    COLLATE "C" NOT NULL,
    orders       bigint  NOT NULL,
    first_orders bigint  NOT NULL,
    lines        bigint  NOT NULL,
    net_revenue  numeric NOT NULL,
    CONSTRAINT daily_products_pkey PRIMARY KEY (load_date, product_id)
);
COMMENT ON TABLE warehouse.daily_products IS 'One row per day and product sold on it: figures of the day''s lines in fact_orders that count as a sale, kept by the steps that change the facts';
COMMENT ON COLUMN warehouse.daily_products.load_date IS 'Load that the lines are of';
COMMENT ON COLUMN warehouse.daily_products.product_id IS 'Product: warehouse.dim_product';
COMMENT ON COLUMN warehouse.daily_products.orders IS 'Orders sold that have it on any line';
COMMENT ON COLUMN warehouse.daily_products.first_orders IS 'Orders sold that have it on their first line: summed over products, each order counts once';
COMMENT ON COLUMN warehouse.daily_products.lines IS 'Lines sold';
COMMENT ON COLUMN warehouse.daily_products.net_revenue IS 'Revenue of these lines, less what was refunded';

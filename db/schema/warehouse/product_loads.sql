CREATE TABLE warehouse.product_loads (
    product_id    text    COLLATE "C" NOT NULL,
    load_date     date    NOT NULL,
    in_catalogue  boolean NOT NULL,
    product_name  text,
    category      text,
    brand         text,
    current_price numeric,
    CONSTRAINT product_loads_pkey PRIMARY KEY (product_id, load_date)
);
CREATE INDEX idx_product_loads_load_date ON warehouse.product_loads (load_date);
CREATE INDEX idx_product_loads_catalogue ON warehouse.product_loads (product_id, load_date) WHERE in_catalogue;

COMMENT ON TABLE warehouse.product_loads IS 'One row per product and load that mentions it. dim_product and its history are the sum of these, whatever the order in which they came.';
COMMENT ON COLUMN warehouse.product_loads.product_id IS 'Of the source; (none) for events without one';
COMMENT ON COLUMN warehouse.product_loads.load_date IS 'Load';
COMMENT ON COLUMN warehouse.product_loads.in_catalogue IS 'true if the day''s catalogue has it, false if only orders or events do';
COMMENT ON COLUMN warehouse.product_loads.product_name IS 'As the catalogue says';
COMMENT ON COLUMN warehouse.product_loads.category IS 'As the catalogue says';
COMMENT ON COLUMN warehouse.product_loads.brand IS 'As the catalogue says';
COMMENT ON COLUMN warehouse.product_loads.current_price IS 'As the catalogue says';

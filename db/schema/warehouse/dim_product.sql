CREATE TABLE warehouse.dim_product (
    product_id     text        COLLATE "C" NOT NULL,
    product_name   text,
    category       text,
    brand          text,
    current_price  numeric,
    effective_from date,
    is_inferred    boolean     NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dim_product_pkey PRIMARY KEY (product_id)
);
COMMENT ON TABLE warehouse.dim_product IS 'One row per product ever seen, as the newest catalogue that has it says; (none) stands for events without one';
COMMENT ON COLUMN warehouse.dim_product.product_id IS 'Of the source';
COMMENT ON COLUMN warehouse.dim_product.product_name IS 'As it is now';
COMMENT ON COLUMN warehouse.dim_product.category IS 'As it is now';
COMMENT ON COLUMN warehouse.dim_product.brand IS 'As it is now';
COMMENT ON COLUMN warehouse.dim_product.current_price IS 'Price of one piece as it is now, in the currency of the shop';
COMMENT ON COLUMN warehouse.dim_product.effective_from IS 'Day of the first catalogue that has it as it is now; NULL for an inferred product';
COMMENT ON COLUMN warehouse.dim_product.is_inferred IS 'true while no catalogue knows it: it was met in an order or event';
COMMENT ON COLUMN warehouse.dim_product.created_at IS 'When the row was made';
COMMENT ON COLUMN warehouse.dim_product.updated_at IS 'When the row last changed';

INSERT INTO warehouse.dim_product (product_id, is_inferred) VALUES ('(none)', true);

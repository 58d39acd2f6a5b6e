CREATE TABLE warehouse.dim_product_history (
    product_id     text        COLLATE "C" NOT NULL,
    product_name   text,
    category       text,
    brand          text,
    current_price  numeric,
    effective_from date        NOT NULL,
    effective_to   date,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dim_product_history_pkey PRIMARY KEY (product_id, effective_from),
    CONSTRAINT dim_product_history_effective_to_check CHECK (effective_to > effective_from)
);
COMMENT ON TABLE warehouse.dim_product_history IS 'One row per version of a product (type 2). Versions of a product never overlap and leave no gap.';
COMMENT ON COLUMN warehouse.dim_product_history.product_id IS 'Of the source';
COMMENT ON COLUMN warehouse.dim_product_history.product_name IS 'In this version';
COMMENT ON COLUMN warehouse.dim_product_history.category IS 'In this version';
COMMENT ON COLUMN warehouse.dim_product_history.brand IS 'In this version';
COMMENT ON COLUMN warehouse.dim_product_history.current_price IS 'Price of one piece in this version';
COMMENT ON COLUMN warehouse.dim_product_history.effective_from IS 'Day of the first catalogue that says so';
COMMENT ON COLUMN warehouse.dim_product_history.effective_to IS 'Day of the catalogue that says otherwise, not included; NULL for the current version';
COMMENT ON COLUMN warehouse.dim_product_history.created_at IS 'When the row was made';
COMMENT ON COLUMN warehouse.dim_product_history.updated_at IS 'When the row last changed';

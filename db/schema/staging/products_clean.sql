CREATE TABLE staging.products_clean (
    staging_products_id bigint      NOT NULL,
    load_date           date        NOT NULL,
    product_id          text        COLLATE "C" NOT NULL,
    product_name        text,
    category            text,
    brand               text,
    current_price       numeric,
    raw_products_id     bigint      NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    attributes          jsonb,
    emptied             text[]
) PARTITION BY RANGE (load_date);
CREATE UNIQUE INDEX idx_products_clean_product ON staging.products_clean (product_id, load_date);
ALTER TABLE staging.products_clean REPLICA IDENTITY USING INDEX idx_products_clean_product;

COMMENT ON TABLE staging.products_clean IS 'One row per product and catalogue. Partitioned by load_date.';
COMMENT ON COLUMN staging.products_clean.staging_products_id IS 'raw_products_id';
COMMENT ON COLUMN staging.products_clean.load_date IS 'Day of the catalogue';
COMMENT ON COLUMN staging.products_clean.product_id IS 'Of the source';
COMMENT ON COLUMN staging.products_clean.product_name IS 'As the catalogue says, trimmed';
COMMENT ON COLUMN staging.products_clean.category IS 'As the catalogue says, trimmed';
COMMENT ON COLUMN staging.products_clean.brand IS 'As the catalogue says, trimmed';
COMMENT ON COLUMN staging.products_clean.current_price IS 'Price of one piece on that day, in the currency of the shop; NULL if the catalogue has none';
COMMENT ON COLUMN staging.products_clean.raw_products_id IS 'Raw row that it came from: raw.products_json';
COMMENT ON COLUMN staging.products_clean.created_at IS 'When this product of this catalogue was first cleaned';
COMMENT ON COLUMN staging.products_clean.updated_at IS 'When a business column of it last changed';
COMMENT ON COLUMN staging.products_clean.attributes IS 'Custom fields of the product: those of staging.fields without a column; NULL if there are none';
COMMENT ON COLUMN staging.products_clean.emptied IS 'Custom fields that were left empty because their kind does not allow their value; NULL if there are none';

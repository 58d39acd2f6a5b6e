CREATE TYPE staging.line_price AS (
    unit_price          numeric,
    revenue             numeric,
    discount            numeric,
    tax                 numeric,
    shipping            numeric,
    refunded            numeric,
    revenue_in_currency numeric,
    is_discount_above   boolean
);
COMMENT ON TYPE staging.line_price IS 'What a line is worth, in the warehouse''s currency';
COMMENT ON COLUMN staging.line_price.unit_price IS 'Price of one piece';
COMMENT ON COLUMN staging.line_price.revenue IS 'Less discount';
COMMENT ON COLUMN staging.line_price.discount IS 'Its own and its share; NULL for none';
COMMENT ON COLUMN staging.line_price.tax IS 'Its own and its share; NULL for none';
COMMENT ON COLUMN staging.line_price.shipping IS 'NULL for none';
COMMENT ON COLUMN staging.line_price.refunded IS 'NULL for none';
COMMENT ON COLUMN staging.line_price.revenue_in_currency IS 'Revenue in the order''s own currency';
COMMENT ON COLUMN staging.line_price.is_discount_above IS 'Its discounts are more than it costs';

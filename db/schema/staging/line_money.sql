CREATE TYPE staging.line_money AS (
    line_total     text,
    discount       text,
    tax            text,
    discount_share numeric,
    tax_share      numeric,
    shipping       numeric,
    refunded       numeric,
    digits         integer,
    problem        staging.problem,
    currency       text,
    rate           numeric
);
COMMENT ON TYPE staging.line_money IS 'What a line and its order say of money beyond quantity and price';
COMMENT ON COLUMN staging.line_money.line_total IS 'As delivered, trimmed';
COMMENT ON COLUMN staging.line_money.discount IS 'Of the line alone, as delivered, trimmed';
COMMENT ON COLUMN staging.line_money.tax IS 'Of the line alone, as delivered, trimmed';
COMMENT ON COLUMN staging.line_money.discount_share IS 'Its share of the order''s; NULL for none';
COMMENT ON COLUMN staging.line_money.tax_share IS 'Its share of the order''s; NULL for none';
COMMENT ON COLUMN staging.line_money.shipping IS 'Its share; NULL for none';
COMMENT ON COLUMN staging.line_money.refunded IS 'Its share; NULL for none';
COMMENT ON COLUMN staging.line_money.digits IS 'Decimal places of the currency; NULL if nothing was shared';
COMMENT ON COLUMN staging.line_money.problem IS 'What is wrong with an amount of the whole order; NULL if nothing is';
COMMENT ON COLUMN staging.line_money.currency IS 'Of the order, in upper case; NULL if it names none';
COMMENT ON COLUMN staging.line_money.rate IS 'What one unit of that is worth in the warehouse''s currency; NULL if it is that, 0 if nobody knows';

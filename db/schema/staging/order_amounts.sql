CREATE TYPE staging.order_amounts AS (
    discount numeric,
    tax      numeric,
    shipping numeric,
    refunded numeric,
    digits   integer,
    problem  staging.problem
);
COMMENT ON TYPE staging.order_amounts IS 'Amounts of a whole order, to be shared by its lines';
COMMENT ON COLUMN staging.order_amounts.discount IS 'Besides what its lines say; NULL for none';
COMMENT ON COLUMN staging.order_amounts.tax IS 'Besides what its lines say; NULL for none';
COMMENT ON COLUMN staging.order_amounts.shipping IS 'What the customer pays for shipping; NULL for none';
COMMENT ON COLUMN staging.order_amounts.refunded IS 'What was paid back; NULL for none';
COMMENT ON COLUMN staging.order_amounts.digits IS 'Decimal places of the currency';
COMMENT ON COLUMN staging.order_amounts.problem IS 'What is wrong with one of them; NULL if nothing is';

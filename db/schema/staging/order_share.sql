CREATE TYPE staging.order_share AS (
    discount numeric,
    tax      numeric,
    shipping numeric,
    refunded numeric
);
COMMENT ON TYPE staging.order_share IS 'What an item has of the amounts of its order';
COMMENT ON COLUMN staging.order_share.discount IS 'NULL if the order has none';
COMMENT ON COLUMN staging.order_share.tax IS 'NULL if the order has none';
COMMENT ON COLUMN staging.order_share.shipping IS 'NULL if the order has none';
COMMENT ON COLUMN staging.order_share.refunded IS 'NULL if the order has none';

CREATE TYPE staging.order_money AS (
    line_total text,
    discount   text,
    tax        text,
    shipping   text,
    refunded   text,
    currency   text
);
COMMENT ON TYPE staging.order_money IS 'What an order says of money beyond quantity and price, as delivered';
COMMENT ON COLUMN staging.order_money.line_total IS 'Of its only line, in the flat shape';
COMMENT ON COLUMN staging.order_money.discount IS 'Of the whole order';
COMMENT ON COLUMN staging.order_money.tax IS 'Of the whole order';
COMMENT ON COLUMN staging.order_money.shipping IS 'Of the whole order';
COMMENT ON COLUMN staging.order_money.refunded IS 'Of the whole order';
COMMENT ON COLUMN staging.order_money.currency IS 'Trimmed, in upper case';

CREATE TYPE staging.order_item AS (
    product_id text,
    quantity   text,
    price      text,
    line_total text,
    discount   text,
    tax        text
);
COMMENT ON TYPE staging.order_item IS 'An item of an order as delivered, field by field';
COMMENT ON COLUMN staging.order_item.product_id IS 'As delivered';
COMMENT ON COLUMN staging.order_item.quantity IS 'As delivered';
COMMENT ON COLUMN staging.order_item.price IS 'As delivered';
COMMENT ON COLUMN staging.order_item.line_total IS 'As delivered';
COMMENT ON COLUMN staging.order_item.discount IS 'As delivered; of the item alone';
COMMENT ON COLUMN staging.order_item.tax IS 'As delivered; of the item alone';

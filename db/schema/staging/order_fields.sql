CREATE TYPE staging.order_fields AS (
    order_id         text,
    user_id          text,
    "user"           json,
    items            json,
    "timestamp"      text,
    status           text,
    product_id       text,
    quantity         text,
    price            text,
    city             text,
    signup_date      text,
    marketing_source text,
    updated_at       text,
    line_total       text,
    discount         text,
    tax              text,
    shipping         text,
    refunded         text,
    currency         text
);
COMMENT ON TYPE staging.order_fields IS 'An order as delivered, field by field';
COMMENT ON COLUMN staging.order_fields.order_id IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.user_id IS 'As delivered';
COMMENT ON COLUMN staging.order_fields."user" IS 'The customer, if it is described by itself';
COMMENT ON COLUMN staging.order_fields.items IS 'Its items; NULL in the flat shape';
COMMENT ON COLUMN staging.order_fields."timestamp" IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.status IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.product_id IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.quantity IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.price IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.city IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.signup_date IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.marketing_source IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.updated_at IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.line_total IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.discount IS 'As delivered; of the whole order, or of the line in the flat shape';
COMMENT ON COLUMN staging.order_fields.tax IS 'As delivered; of the whole order, or of the line in the flat shape';
COMMENT ON COLUMN staging.order_fields.shipping IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.refunded IS 'As delivered';
COMMENT ON COLUMN staging.order_fields.currency IS 'As delivered';

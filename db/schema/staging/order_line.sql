CREATE TYPE staging.order_line AS (
    raw_json         json,
    is_readable      boolean,
    nested           text[],
    no_customer      text,
    items            json,
    item             json,
    item_number      bigint,
    order_has        text,
    line_has         text,
    order_id         text,
    user_id          text,
    product_id       text,
    quantity         text,
    price            text,
    order_time       text,
    source_status    text,
    status           text,
    city             text,
    signup_date      text,
    marketing_source text,
    order_ts         timestamptz,
    signup_day       date,
    money            staging.line_money,
    is_discount_above boolean,
    takes_negative   boolean,
    null_markers     text[],
    emptied          text[]
);
COMMENT ON TYPE staging.order_line IS 'A line of an order as it is read, to be judged; its texts are trimmed';
COMMENT ON COLUMN staging.order_line.raw_json IS 'The order';
COMMENT ON COLUMN staging.order_line.is_readable IS 'The order is an object, and every text in it can be stored';
COMMENT ON COLUMN staging.order_line.nested IS 'Fields of the order or its user that hold an object or array';
COMMENT ON COLUMN staging.order_line.no_customer IS 'The beginning of a user that is not an object';
COMMENT ON COLUMN staging.order_line.items IS 'The items of the order, whatever they are';
COMMENT ON COLUMN staging.order_line.item IS 'The item; NULL in the flat shape';
COMMENT ON COLUMN staging.order_line.item_number IS 'Its place, from 1; NULL in the flat shape';
COMMENT ON COLUMN staging.order_line.order_has IS 'Names in the order that no field has, if a required one is missing';
COMMENT ON COLUMN staging.order_line.line_has IS 'Names in the item that no field has, if a required one is missing';
COMMENT ON COLUMN staging.order_line.order_id IS 'As delivered';
COMMENT ON COLUMN staging.order_line.user_id IS 'As delivered';
COMMENT ON COLUMN staging.order_line.product_id IS 'As delivered';
COMMENT ON COLUMN staging.order_line.quantity IS 'As delivered';
COMMENT ON COLUMN staging.order_line.price IS 'As delivered';
COMMENT ON COLUMN staging.order_line.order_time IS 'As delivered';
COMMENT ON COLUMN staging.order_line.source_status IS 'As delivered';
COMMENT ON COLUMN staging.order_line.status IS 'Canonical status; NULL if it is not mapped';
COMMENT ON COLUMN staging.order_line.city IS 'As delivered';
COMMENT ON COLUMN staging.order_line.signup_date IS 'As delivered';
COMMENT ON COLUMN staging.order_line.marketing_source IS 'As delivered';
COMMENT ON COLUMN staging.order_line.order_ts IS 'order_time as a time; NULL if it is not one';
COMMENT ON COLUMN staging.order_line.signup_day IS 'signup_date as a day; NULL if it is not one';
COMMENT ON COLUMN staging.order_line.money IS 'What it and its order say of money beyond quantity and price; NULL if they say nothing';
COMMENT ON COLUMN staging.order_line.is_discount_above IS 'Its discounts are more than it costs';
COMMENT ON COLUMN staging.order_line.takes_negative IS 'Lines below zero count: the setting negative_lines';
COMMENT ON COLUMN staging.order_line.null_markers IS 'order_id and product_id, each if it is a null marker, else NULL';
COMMENT ON COLUMN staging.order_line.emptied IS 'Fields of the customer that are left empty instead of rejecting the line';

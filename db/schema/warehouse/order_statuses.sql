CREATE TABLE warehouse.order_statuses (
    status         text    NOT NULL,
    counts_as_sale boolean NOT NULL,
    description    text    NOT NULL,
    CONSTRAINT order_statuses_pkey PRIMARY KEY (status)
);
COMMENT ON TABLE warehouse.order_statuses IS 'One row per canonical status of an order. A change holds from the next run of a day on.';
COMMENT ON COLUMN warehouse.order_statuses.status IS 'Canonical status; staging.codes maps the spellings of sources to it';
COMMENT ON COLUMN warehouse.order_statuses.counts_as_sale IS 'Whether net_revenue and warehouse.sales count it';
COMMENT ON COLUMN warehouse.order_statuses.description IS 'What it means';

INSERT INTO warehouse.order_statuses (status, counts_as_sale, description) VALUES
    ('pending', false, 'Placed, not yet accepted or paid'),
    ('processing', true, 'Accepted, being prepared'),
    ('paid', true, 'Paid'),
    ('shipped', true, 'On its way'),
    ('delivered', true, 'With the customer'),
    ('completed', true, 'Done'),
    ('cancelled', false, 'Called off before it was delivered'),
    ('refunded', false, 'Money given back'),
    ('returned', false, 'Goods sent back'),
    ('failed', false, 'Payment or order failed');

CREATE TABLE audit.measures (
    measure     text NOT NULL,
    source      text NOT NULL,
    kind        text NOT NULL,
    label       text NOT NULL,
    sum_of      text,
    description text NOT NULL,
    CONSTRAINT measures_pkey PRIMARY KEY (measure),
    CONSTRAINT measures_source_fkey FOREIGN KEY (source) REFERENCES raw.sources (source),
    CONSTRAINT measures_sum_of_fkey FOREIGN KEY (sum_of) REFERENCES audit.measures (measure),
    CONSTRAINT measures_kind_check CHECK (kind IN ('count', 'money', 'share') AND (sum_of IS NULL OR kind <> 'share'))
);
COMMENT ON TABLE audit.measures IS 'One row per measure of a day: what audit.day_profile holds, and sums of seven days of it';
COMMENT ON COLUMN audit.measures.measure IS 'What it is called in rules and in audit.day_profile';
COMMENT ON COLUMN audit.measures.source IS 'Source whose cleaning measures it';
COMMENT ON COLUMN audit.measures.kind IS 'count, money or share: how far a day may be from the usual by chance';
COMMENT ON COLUMN audit.measures.label IS 'What messages call it';
COMMENT ON COLUMN audit.measures.sum_of IS 'Measure that this is the sum of, over the seven days up to a day; NULL if it is a measure of the day';
COMMENT ON COLUMN audit.measures.description IS 'What it counts, and its unit';

INSERT INTO audit.measures (measure, source, kind, label, sum_of, description) VALUES
    ('orders', 'orders', 'count', 'orders', NULL, 'Clean orders delivered'),
    ('order_lines', 'orders', 'count', 'order lines', NULL, 'Clean order lines delivered'),
    ('order_lines_delivered', 'orders', 'count', 'order lines delivered', NULL, 'Order lines delivered: clean, duplicate and rejected'),
    ('users_ordering', 'orders', 'count', 'users ordering', NULL, 'Users with a clean order; guests are none'),
    ('products_ordered', 'orders', 'count', 'products ordered', NULL, 'Different products in clean order lines'),
    ('net_revenue', 'orders', 'money', 'net revenue', NULL,
     'Revenue of the statuses that count as a sale, less what was refunded of it: as delivered on that day, whatever later days say of these orders'),
    ('basket', 'orders', 'money', 'basket', NULL, 'Net revenue per order that counts as a sale'),
    ('orders_rejected', 'orders', 'share', 'share of order lines rejected', NULL, 'Of the order lines delivered, those rejected'),
    ('orders_without_user', 'orders', 'share', 'share of orders without a user', NULL, 'Of the clean orders, those of guests'),
    ('orders_without_city', 'orders', 'share', 'share of orders without a city', NULL, 'Of the clean orders, those without a city'),
    ('orders_without_source', 'orders', 'share', 'share of orders without a marketing source', NULL,
     'Of the clean orders, those without a marketing source'),
    ('orders_after_18', 'orders', 'share', 'share of orders after 18:00', NULL,
     'Of the clean orders placed on the day itself, those placed after 18:00 in the shop''s time zone'),
    ('orders_unknown_fields', 'orders', 'count', 'unknown fields of orders', NULL, 'Different fields seen in orders that staging.fields does not have'),
    ('events', 'events', 'count', 'events', NULL, 'Clean events delivered'),
    ('events_delivered', 'events', 'count', 'events delivered', NULL, 'Events delivered: clean, duplicate and rejected'),
    ('conversion', 'events', 'share', 'purchases per product view', NULL, 'Purchase events per product_view event, at most 1'),
    ('events_rejected', 'events', 'share', 'share of events rejected', NULL, 'Of the events delivered, those rejected'),
    ('events_without_user', 'events', 'share', 'share of events without a user', NULL, 'Of the clean events, those of guests'),
    ('events_without_product', 'events', 'share', 'share of events without a product', NULL, 'Of the clean events, those about no product'),
    ('events_unknown_fields', 'events', 'count', 'unknown fields of events', NULL, 'Different fields seen in events that staging.fields does not have'),
    ('products', 'products', 'count', 'products', NULL, 'Clean products of the day''s catalogue'),
    ('products_delivered', 'products', 'count', 'products delivered', NULL, 'Products delivered: clean, duplicate and rejected'),
    ('products_unknown_fields', 'products', 'count', 'unknown fields of products', NULL, 'Different fields seen in products that staging.fields does not have'),
    ('orders_week', 'orders', 'count', 'orders of seven days', 'orders', 'Sum of orders over the seven days up to this one'),
    ('net_revenue_week', 'orders', 'money', 'net revenue of seven days', 'net_revenue', 'Sum of net_revenue over the seven days up to this one'),
    ('events_week', 'events', 'count', 'events of seven days', 'events', 'Sum of events over the seven days up to this one');

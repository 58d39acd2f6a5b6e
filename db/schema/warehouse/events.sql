CREATE VIEW warehouse.events AS
SELECT f.event_id,
       f.event_type,
       f.date_id,
       d.date AS event_date,
       f.event_ts AS happened_at,
       f.user_id,
       u.city AS user_city,
       u.marketing_source AS user_marketing_source,
       f.product_id,
       p.product_name,
       p.category,
       p.brand,
       f.load_date AS reported_on,
       f.attributes
FROM warehouse.fact_events f
JOIN warehouse.dim_date d ON d.date_id = f.date_id
JOIN warehouse.dim_user u ON u.user_id = f.user_id
JOIN warehouse.dim_product p ON p.product_id = f.product_id;

COMMENT ON VIEW warehouse.events IS 'One row per event, with its day, its user and its product as they are now';
COMMENT ON COLUMN warehouse.events.event_id IS 'Of the source';
COMMENT ON COLUMN warehouse.events.event_type IS 'Canonical type: page_view, add_to_cart, purchase, …';
COMMENT ON COLUMN warehouse.events.date_id IS 'Day on which it happened, as a number; filter by it';
COMMENT ON COLUMN warehouse.events.event_date IS 'Day on which it happened (the shop''s: setting time_zone)';
COMMENT ON COLUMN warehouse.events.happened_at IS 'When it happened';
COMMENT ON COLUMN warehouse.events.user_id IS 'User; (guest) without one';
COMMENT ON COLUMN warehouse.events.user_city IS 'Of the user, as it is now';
COMMENT ON COLUMN warehouse.events.user_marketing_source IS 'Of the user, as it is now';
COMMENT ON COLUMN warehouse.events.product_id IS 'Product; (none) without one';
COMMENT ON COLUMN warehouse.events.product_name IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.category IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.brand IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.reported_on IS 'Day of the delivery';
COMMENT ON COLUMN warehouse.events.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none';

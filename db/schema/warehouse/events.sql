CREATE VIEW warehouse.events AS
SELECT f.event_id,
       f.event_type,
       f.date_id,
       d.date AS event_date,
       f.event_ts,
       f.user_id,
       u.city,
       u.marketing_source,
       f.product_id,
       p.product_name,
       p.category,
       p.brand,
       f.load_date,
       nullif(f.attributes - ARRAY(
           SELECT k.field FROM staging.fields k
           WHERE k.source = 'events' AND k.is_personal AND NOT has_table_privilege('warehouse.fact_events'::regclass, 'SELECT')), '{}') AS attributes,
       d.year,
       d.quarter,
       d.month,
       d.month_name,
       d.iso_year,
       d.week,
       d.day_of_week,
       d.day_name,
       d.is_weekend,
       -- Old names, of release 0.1.0.
       f.event_ts AS happened_at,
       u.city AS user_city,
       u.marketing_source AS user_marketing_source,
       f.load_date AS reported_on
FROM warehouse.fact_events f
LEFT JOIN warehouse.dim_date d ON d.date_id = f.date_id
LEFT JOIN warehouse.dim_user u ON u.user_id = f.user_id
LEFT JOIN warehouse.dim_product p ON p.product_id = f.product_id;

COMMENT ON VIEW warehouse.events IS 'One row per event, with its day, its user and its product as they are now';
COMMENT ON COLUMN warehouse.events.event_id IS 'Of the source';
COMMENT ON COLUMN warehouse.events.event_type IS 'Canonical type: page_view, add_to_cart, purchase, …';
COMMENT ON COLUMN warehouse.events.date_id IS 'Day on which it happened, as a number: 20251219. Filter by it: other days'' partitions are then not read';
COMMENT ON COLUMN warehouse.events.event_date IS 'Day on which it happened, the shop''s (setting time_zone)';
COMMENT ON COLUMN warehouse.events.event_ts IS 'When it happened';
COMMENT ON COLUMN warehouse.events.user_id IS 'User; (guest) without one';
COMMENT ON COLUMN warehouse.events.city IS 'Of the user, as it is now';
COMMENT ON COLUMN warehouse.events.marketing_source IS 'Of the user, as it is now';
COMMENT ON COLUMN warehouse.events.product_id IS 'Product; (none) without one';
COMMENT ON COLUMN warehouse.events.product_name IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.category IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.brand IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.load_date IS 'Day of the delivery whose report of the event counts';
COMMENT ON COLUMN warehouse.events.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none. Personal ones only for those who may read the facts';
COMMENT ON COLUMN warehouse.events.year IS 'Calendar year of event_date';
COMMENT ON COLUMN warehouse.events.quarter IS 'Quarter of event_date, 1 to 4';
COMMENT ON COLUMN warehouse.events.month IS 'Month of event_date, 1 to 12';
COMMENT ON COLUMN warehouse.events.month_name IS 'Month of event_date, in English: January';
COMMENT ON COLUMN warehouse.events.iso_year IS 'Year that the week belongs to';
COMMENT ON COLUMN warehouse.events.week IS 'ISO week of event_date, 1 to 53; belongs to iso_year';
COMMENT ON COLUMN warehouse.events.day_of_week IS 'Weekday of event_date: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN warehouse.events.day_name IS 'Weekday of event_date, in English: Monday';
COMMENT ON COLUMN warehouse.events.is_weekend IS 'Whether event_date is a Saturday or Sunday';
COMMENT ON COLUMN warehouse.events.happened_at IS 'Old name of event_ts: use that';
COMMENT ON COLUMN warehouse.events.user_city IS 'Old name of city: use that';
COMMENT ON COLUMN warehouse.events.user_marketing_source IS 'Old name of marketing_source: use that';
COMMENT ON COLUMN warehouse.events.reported_on IS 'Old name of load_date: use that';

CREATE VIEW warehouse.daily_funnel AS
SELECT d.load_date AS day,
       min(s.place)::integer AS place,
       s.stage,
       sum(d.events)::bigint AS events
FROM warehouse.daily_event_types d
JOIN warehouse.funnel_stages s ON s.event_type = d.event_type
GROUP BY d.load_date, s.stage;

COMMENT ON VIEW warehouse.daily_funnel IS 'One row per day and stage on the way from view to purchase: events, not people. Filter by day.';
COMMENT ON COLUMN warehouse.daily_funnel.day IS 'Day of the delivery';
COMMENT ON COLUMN warehouse.daily_funnel.place IS 'Order of the stages, from 1';
COMMENT ON COLUMN warehouse.daily_funnel.stage IS 'view, cart, checkout or purchase: warehouse.funnel_stages';
COMMENT ON COLUMN warehouse.daily_funnel.events IS 'Events of its types in the facts';

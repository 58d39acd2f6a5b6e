-- Ids of raw rows, fetched a thousand at a time.

-- A number that each row fetches by itself is a fifth of what COPY costs. raw.open_load lets go of what a session has left over.
ALTER SEQUENCE raw.raw_orders_ids CACHE 1000;
ALTER SEQUENCE raw.raw_events_ids CACHE 1000;
ALTER SEQUENCE raw.raw_products_ids CACHE 1000;

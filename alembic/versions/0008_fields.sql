-- The contract of the inputs as data, and custom fields.

CREATE TABLE staging.fields (
    source      text    NOT NULL,
    field       text    COLLATE "C" NOT NULL,
    place       text    NOT NULL,
    kind        text    NOT NULL,
    is_required boolean NOT NULL DEFAULT false,
    is_personal boolean NOT NULL DEFAULT true,
    on_fault    text    NOT NULL DEFAULT 'empty',
    description text    NOT NULL,
    column_name text    COLLATE "C",
    CONSTRAINT fields_pkey PRIMARY KEY (source, field),
    CONSTRAINT fields_place_check CHECK (place = ANY (CASE source WHEN 'orders' THEN ARRAY['order', 'line', 'customer']
                                                                  WHEN 'events' THEN ARRAY['event']
                                                                  WHEN 'products' THEN ARRAY['product'] END)
                                         AND source IN ('orders', 'events', 'products')),
    CONSTRAINT fields_kind_check CHECK (kind IN ('id', 'text', 'code', 'quantity', 'money', 'time', 'date')),
    CONSTRAINT fields_on_fault_check CHECK (on_fault IN ('reject', 'empty')),
    -- user and items hold other fields.
    CONSTRAINT fields_field_check CHECK (field = btrim(field) AND field NOT IN ('', 'user', 'items')),
    -- A record without a required field is rejected, so an erasure cannot take such a field away.
    CONSTRAINT fields_is_required_check CHECK (NOT is_required OR (on_fault = 'reject' AND NOT is_personal))
);
COMMENT ON TABLE staging.fields IS 'One row per field of the inputs. Add a row for a field of your own and run the day again: it is carried in attributes, from staging to the facts.';
COMMENT ON COLUMN staging.fields.source IS 'orders, events or products';
COMMENT ON COLUMN staging.fields.field IS 'Its name in the input, as the source spells it';
COMMENT ON COLUMN staging.fields.place IS 'What it describes: order, line (of the order; in the item, if there are items), customer (in user, or else beside it), event or product';
COMMENT ON COLUMN staging.fields.kind IS 'id (at most 512 bytes), text, code, quantity (whole, above 0), money (at least 0, below 1e15), time or date (ISO 8601)';
COMMENT ON COLUMN staging.fields.is_required IS 'Whether a record without it is rejected';
COMMENT ON COLUMN staging.fields.is_personal IS 'Whether it is taken away when the person is erased; true unless you say otherwise';
COMMENT ON COLUMN staging.fields.on_fault IS 'What is lost if its kind does not allow the value: reject (the row) or empty (only the value)';
COMMENT ON COLUMN staging.fields.description IS 'What it means, for the reference of the inputs';
COMMENT ON COLUMN staging.fields.column_name IS 'Column of staging that it becomes; NULL if it is carried in attributes';

INSERT INTO staging.fields (source, field, place, kind, is_required, is_personal, on_fault, description, column_name) VALUES
    ('orders', 'order_id', 'order', 'id', true, false, 'reject', 'The order. It may come again on a later day; the last report counts', 'order_id'),
    ('orders', 'user_id', 'order', 'id', false, true, 'reject', 'The customer; none for a guest', 'user_id'),
    ('orders', 'timestamp', 'order', 'time', true, false, 'reject',
     'When the order was placed; UTC without an offset. Not after the day of the delivery, not older than oldest_order_days', 'order_ts'),
    ('orders', 'status', 'order', 'code', true, false, 'reject', 'Any spelling in staging.codes, in any case', 'status'),
    ('orders', 'product_id', 'line', 'id', true, false, 'reject', 'The product that was ordered', 'product_id'),
    ('orders', 'quantity', 'line', 'quantity', true, false, 'reject', 'Pieces, at most 2,147,483,647', 'quantity'),
    ('orders', 'price', 'line', 'money', true, false, 'reject', 'Of one piece, in the currency of the shop', 'unit_price'),
    ('orders', 'city', 'customer', 'text', false, true, 'reject', 'Where the customer lives', 'city'),
    ('orders', 'signup_date', 'customer', 'date', false, true, 'reject', 'When the customer signed up', 'signup_date'),
    ('orders', 'marketing_source', 'customer', 'text', false, true, 'reject', 'What brought the customer to the shop', 'marketing_source'),
    ('events', 'event_id', 'event', 'id', true, false, 'reject', 'The event; with its time it is the same event, however often it comes', 'event_id'),
    ('events', 'event_type', 'event', 'code', true, false, 'reject', 'Any spelling in staging.codes, in any case; others are kept in lower case', 'event_type'),
    ('events', 'event_ts', 'event', 'time', true, false, 'reject',
     'When it happened; UTC without an offset. Not after the day of the delivery, not older than oldest_order_days', 'event_ts'),
    ('events', 'user_id', 'event', 'id', false, true, 'reject', 'The user; none for a guest', 'user_id'),
    ('events', 'product_id', 'event', 'id', false, false, 'reject', 'The product that it is about, if any', 'product_id'),
    ('products', 'product_id', 'product', 'id', true, false, 'reject', 'The product', 'product_id'),
    ('products', 'product_name', 'product', 'text', false, false, 'reject', 'Its name', 'product_name'),
    ('products', 'category', 'product', 'text', false, false, 'reject', 'Its category', 'category'),
    ('products', 'brand', 'product', 'text', false, false, 'reject', 'Its brand', 'brand'),
    ('products', 'current_price', 'product', 'money', false, false, 'reject', 'Price of one piece on that day, in the currency of the shop', 'current_price');

CREATE TYPE staging.own_values AS (
    attributes jsonb,
    problems   staging.problem[]
);
COMMENT ON TYPE staging.own_values IS 'What a record has of the fields that are no columns, and what is wrong with them';
COMMENT ON COLUMN staging.own_values.attributes IS 'Their values, by the names of the fields; NULL if there is none';
COMMENT ON COLUMN staging.own_values.problems IS 'Why the row is rejected; NULL if it is not';

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
    signup_day       date
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

GRANT SELECT ON staging.fields TO warehouse_runner, warehouse_checker;

-- Without a default: no row is written.
ALTER TABLE staging.orders_clean ADD COLUMN attributes jsonb;
ALTER TABLE staging.events_clean ADD COLUMN attributes jsonb;
ALTER TABLE staging.products_clean ADD COLUMN attributes jsonb;
ALTER TABLE warehouse.fact_orders ADD COLUMN attributes jsonb;
ALTER TABLE warehouse.orders_superseded ADD COLUMN attributes jsonb;
ALTER TABLE warehouse.fact_events ADD COLUMN attributes jsonb;
ALTER TABLE warehouse.events_superseded ADD COLUMN attributes jsonb;
COMMENT ON COLUMN staging.orders_clean.attributes IS 'Custom fields of the order, its line and its customer: those of staging.fields without a column; NULL if there are none';
COMMENT ON COLUMN staging.events_clean.attributes IS 'Custom fields of the event: those of staging.fields without a column; NULL if there are none';
COMMENT ON COLUMN staging.products_clean.attributes IS 'Custom fields of the product: those of staging.fields without a column; NULL if there are none';
COMMENT ON COLUMN warehouse.fact_orders.attributes IS 'Custom fields of the line, its order and its customer, by name: staging.fields; NULL if there are none';
COMMENT ON COLUMN warehouse.orders_superseded.attributes IS 'Custom fields of the line, its order and its customer, by name: staging.fields; NULL if there are none';
COMMENT ON COLUMN warehouse.fact_events.attributes IS 'Custom fields of the event, by name: staging.fields; NULL if there are none';
COMMENT ON COLUMN warehouse.events_superseded.attributes IS 'Custom fields of the event, by name: staging.fields; NULL if there are none';

CREATE OR REPLACE VIEW warehouse.sales AS
SELECT f.order_id,
       f.line_number,
       f.date_id,
       f.order_ts,
       f.status,
       f.user_id,
       u.city,
       u.marketing_source,
       f.product_id,
       p.product_name,
       p.category,
       p.brand,
       f.quantity,
       f.unit_price,
       f.revenue,
       f.load_date,
       f.attributes
FROM warehouse.fact_orders f
JOIN warehouse.order_statuses s ON s.status = f.status AND s.counts_as_sale
JOIN warehouse.dim_user u ON u.user_id = f.user_id
JOIN warehouse.dim_product p ON p.product_id = f.product_id;
COMMENT ON COLUMN warehouse.sales.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none';

CREATE OR REPLACE VIEW warehouse.order_lines AS
SELECT f.order_id,
       f.line_number,
       f.date_id,
       d.date AS order_date,
       d.day_name,
       d.is_weekend,
       f.order_ts AS ordered_at,
       f.status,
       s.counts_as_sale,
       f.user_id,
       u.city AS user_city,
       u.marketing_source AS user_marketing_source,
       f.product_id,
       coalesce(h.product_name, p.product_name) AS product_name,
       coalesce(h.category, p.category) AS category,
       coalesce(h.brand, p.brand) AS brand,
       h.current_price AS catalogue_price_then,
       f.quantity,
       f.unit_price,
       f.revenue,
       CASE WHEN s.counts_as_sale THEN f.revenue ELSE 0 END AS net_revenue,
       f.load_date AS reported_on,
       f.attributes
FROM warehouse.fact_orders f
JOIN warehouse.dim_date d ON d.date_id = f.date_id
JOIN warehouse.order_statuses s ON s.status = f.status
JOIN warehouse.dim_user u ON u.user_id = f.user_id
JOIN warehouse.dim_product p ON p.product_id = f.product_id
LEFT JOIN warehouse.dim_product_history h
       ON h.product_id = f.product_id AND d.date >= h.effective_from AND (d.date < h.effective_to OR h.effective_to IS NULL);
COMMENT ON COLUMN warehouse.order_lines.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none';

CREATE OR REPLACE VIEW warehouse.events AS
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
COMMENT ON COLUMN warehouse.events.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none';

-- As CREATE TABLE … (LIKE facts) would do it: from PostgreSQL 18 on it copies the names of NOT NULL constraints, too.
DO $like_facts$
DECLARE
    v_constraint record;
BEGIN
    FOR v_constraint IN
        SELECT k.conrelid::regclass AS name, k.conname
        FROM pg_constraint k
        WHERE k.contype = 'n' AND k.conname ~ '^(orders|events)_superseded_.*_not_null$'
          AND k.conrelid IN ('warehouse.orders_superseded'::regclass, 'warehouse.events_superseded'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', v_constraint.name, v_constraint.conname,
                       'fact_' || replace(v_constraint.conname, '_superseded_', '_'));
    END LOOP;
END
$like_facts$;

-- These have other parameters now. They are dropped together: one that calls another would keep that from being dropped alone.
DROP FUNCTION IF EXISTS
    staging._read_orders(date, text, date, bigint[], bigint[]), staging._read_events(date, text, date, bigint[], bigint[]),
    staging._order_problems(json, boolean, text[], json, text, json, bigint, text, text, text, text, text, text, text, text, text, text, text, date, date);

-- Texts of the first release, in plainer words.
COMMENT ON COLUMN audit.step_inputs.rows_in IS 'What the step reported then; it reports the same when it is skipped';
COMMENT ON COLUMN audit.step_inputs.rows_out IS 'What the step reported then; it reports the same when it is skipped';
COMMENT ON COLUMN audit.step_inputs.rows_rejected IS 'What the step reported then; it reports the same when it is skipped';
COMMENT ON COLUMN audit.step_inputs.rows_duplicate IS 'What the step reported then; it reports the same when it is skipped';
COMMENT ON TABLE audit.erased_users IS 'One row per erased user_id, as a digest: a later delivery of that user_id is recognized by it, and its rows become a guest''s. For the owner only: whoever can read it can try user_ids on it.';
COMMENT ON COLUMN staging.events_clean.event_type IS 'Canonical type: staging.codes; in lower case if it is not mapped';
COMMENT ON COLUMN warehouse.dim_product.effective_from IS 'Day of the first catalogue that has it as it is now; NULL for an inferred product';

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
COMMENT ON COLUMN staging.fields.kind IS 'id (at most 512 bytes), text, code, quantity (above 0), money (at least 0, below 1e15), time or date (ISO 8601)';
COMMENT ON COLUMN staging.fields.is_required IS 'Whether a record without it is rejected';
COMMENT ON COLUMN staging.fields.is_personal IS 'Whether it is taken away when the person is erased; true unless you say otherwise';
COMMENT ON COLUMN staging.fields.on_fault IS 'What is lost if its kind does not allow the value: reject (the row) or empty (only the value)';
COMMENT ON COLUMN staging.fields.description IS 'What it means, for the reference of the inputs';
COMMENT ON COLUMN staging.fields.column_name IS 'Column of staging that it becomes; NULL if it is carried in attributes';

INSERT INTO staging.fields (source, field, place, kind, is_required, is_personal, on_fault, description, column_name) VALUES
    ('orders', 'order_id', 'order', 'id', true, false, 'reject', 'The order. It may come again, on the same or another day; the last report counts', 'order_id'),
    ('orders', 'user_id', 'order', 'id', false, true, 'reject', 'The customer; none, or a null marker, for a guest', 'user_id'),
    ('orders', 'timestamp', 'order', 'time', true, false, 'reject',
     'When the order was placed. Without an offset it is UTC, whatever the setting time_zone says. Not after the day of the delivery (the shop''s: time_zone), not older than oldest_order_days', 'order_ts'),
    ('orders', 'status', 'order', 'code', true, false, 'reject', 'Any spelling in staging.codes, in any case', 'status'),
    ('orders', 'updated_at', 'order', 'time', false, false, 'reject',
     'When the source last changed the order, where it knows: the report with the latest one counts, whatever day it came. At most a day after the day of the delivery',
     'source_updated_at'),
    ('orders', 'product_id', 'line', 'id', true, false, 'reject', 'The product that was ordered', 'product_id'),
    ('orders', 'quantity', 'line', 'quantity', true, false, 'reject', 'Pieces, or kilograms, metres, …: a number above 0, at most 2,147,483,647', 'quantity'),
    ('orders', 'price', 'line', 'money', true, false, 'reject', 'Of one piece; not needed with line_total', 'unit_price'),
    ('orders', 'line_total', 'line', 'money', false, false, 'reject', 'What the line costs, where the source knows better than quantity x price; before discounts', 'revenue'),
    ('orders', 'discount', 'line', 'money', false, false, 'reject', 'What is taken off: in an item of that item, in the order of the whole order, shared by its lines', 'discount'),
    ('orders', 'tax', 'line', 'money', false, false, 'reject', 'Tax: in an item of that item, in the order what the items do not say, shared by its lines', 'tax'),
    ('orders', 'shipping', 'order', 'money', false, false, 'reject', 'What the customer pays for shipping; shared by the lines', 'shipping'),
    ('orders', 'refunded', 'order', 'money', false, false, 'reject', 'What was paid back so far; shared by the lines', 'refunded'),
    ('orders', 'currency', 'order', 'code', false, false, 'reject', 'Currency of all its amounts: ISO 4217, in any case; the warehouse''s if it names none', 'currency'),
    ('orders', 'city', 'customer', 'text', false, true, 'empty', 'Where the customer lives', 'city'),
    ('orders', 'signup_date', 'customer', 'date', false, true, 'empty', 'When the customer signed up', 'signup_date'),
    ('orders', 'marketing_source', 'customer', 'text', false, true, 'empty', 'What brought the customer to the shop', 'marketing_source'),
    ('events', 'event_id', 'event', 'id', true, false, 'reject', 'The event; with its time it is the same event, however often it comes', 'event_id'),
    ('events', 'event_type', 'event', 'code', true, false, 'reject', 'Any spelling in staging.codes, in any case; others are kept in lower case', 'event_type'),
    ('events', 'event_ts', 'event', 'time', true, false, 'reject',
     'When it happened. Without an offset it is UTC, whatever the setting time_zone says. Not after the day of the delivery (the shop''s: time_zone), not older than oldest_order_days', 'event_ts'),
    ('events', 'user_id', 'event', 'id', false, true, 'reject', 'The user; none, or a null marker, for a guest', 'user_id'),
    ('events', 'product_id', 'event', 'id', false, false, 'reject', 'The product that it is about; none, or a null marker, if there is none', 'product_id'),
    ('products', 'product_id', 'product', 'id', true, false, 'reject', 'The product', 'product_id'),
    ('products', 'product_name', 'product', 'text', false, false, 'reject', 'Its name', 'product_name'),
    ('products', 'category', 'product', 'text', false, false, 'reject', 'Its category', 'category'),
    ('products', 'brand', 'product', 'text', false, false, 'reject', 'Its brand', 'brand'),
    ('products', 'current_price', 'product', 'money', false, false, 'reject', 'Price of one piece on that day, in the currency of the shop', 'current_price');

-- On a cluster a field that is personal closes the shards of the facts to logins of BI tools, in the transaction that says so.
CREATE FUNCTION staging._open_or_close_shards() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_open_or_close_shards$
BEGIN
    -- While the warehouse is being made, it is not there.
    IF to_regprocedure('warehouse._open_shards()') IS NOT NULL THEN
        PERFORM warehouse._open_shards();
    END IF;
    RETURN NULL;
END
$_open_or_close_shards$;
COMMENT ON FUNCTION staging._open_or_close_shards() IS 'Trigger: on a cluster, a personal field closes the shards of the facts to logins of BI tools';
CREATE TRIGGER open_or_close_shards AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON staging.fields
    FOR EACH STATEMENT EXECUTE FUNCTION staging._open_or_close_shards();

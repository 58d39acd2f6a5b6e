-- Forms of other systems: rows of staging.shapes, functions in schema shapes.

CREATE SCHEMA shapes AUTHORIZATION warehouse_owner;
COMMENT ON SCHEMA shapes IS 'Functions that put other systems'' orders, events and products into our form, and what these need';

CREATE TABLE staging.shapes (
    shape        text    NOT NULL,
    source       text    NOT NULL,
    file_pattern text    COLLATE "C" NOT NULL DEFAULT '*',
    priority     integer NOT NULL DEFAULT 100,
    records_path text,
    rows_are     text    NOT NULL DEFAULT 'orders',
    encoding     text,
    delimiter    text,
    quote        text,
    escape       text,
    routine      text,
    CONSTRAINT shapes_pkey PRIMARY KEY (shape),
    CONSTRAINT shapes_source_fkey FOREIGN KEY (source) REFERENCES raw.sources (source),
    CONSTRAINT shapes_file_pattern_check CHECK (file_pattern <> ''),
    CONSTRAINT shapes_rows_are_check CHECK (rows_are = 'orders' OR (rows_are = 'lines' AND source = 'orders')),
    -- Its function is called by this name: a schema, a name, nothing else.
    CONSTRAINT shapes_routine_check CHECK (routine ~ '^shapes[.][a-z_][a-z0-9_]{0,62}$'),
    CONSTRAINT shapes_dialect_check CHECK (length(delimiter) = 1 AND length(quote) <= 1 AND length(escape) = 1)
);
COMMENT ON TABLE staging.shapes IS 'One row per form of delivery that is not ours, or that a file does not tell by itself. Add a row and run the day again; of the rows that fit a file''s name the one of the least priority counts.';
COMMENT ON COLUMN staging.shapes.shape IS 'What you call it';
COMMENT ON COLUMN staging.shapes.source IS 'orders, events or products';
COMMENT ON COLUMN staging.shapes.file_pattern IS 'Names of files, without .gz or .zst, in any case: * is any text, ? one character';
COMMENT ON COLUMN staging.shapes.priority IS 'The least of the rows that fit wins; among equals, the name of the shape';
COMMENT ON COLUMN staging.shapes.records_path IS 'Where the list of records lies in a JSON document, as in data.orders; NULL: as the file tells';
COMMENT ON COLUMN staging.shapes.rows_are IS 'orders: a record is an order; lines: records of one order_id in one delivery are lines of one order';
COMMENT ON COLUMN staging.shapes.encoding IS 'Encoding of the text, as in latin-1; NULL: UTF-8, or as the file tells';
COMMENT ON COLUMN staging.shapes.delimiter IS 'What separates fields of CSV; NULL: as the file tells';
COMMENT ON COLUMN staging.shapes.quote IS 'What quotes fields of CSV, an empty text for nothing; NULL: as the file tells';
COMMENT ON COLUMN staging.shapes.escape IS 'What escapes a quote in a quoted field of CSV; NULL: the quote itself';
COMMENT ON COLUMN staging.shapes.routine IS 'Function (json) RETURNS json in schema shapes that makes our own form of a record; NULL: it is in our form. Evaluated as warehouse_shaper, which can read nothing';

-- They have an argument more.
DROP FUNCTION IF EXISTS
    staging._read_orders(date, text, date, text, timestamptz, timestamptz, bigint[], staging.fields[]),
    staging._read_events(date, text, date, text, timestamptz, timestamptz, bigint[], staging.fields[]),
    staging._read_products(date, bigint[], staging.fields[]);

ALTER TYPE staging.delivery ADD ATTRIBUTE shaped_ids bigint[];
COMMENT ON COLUMN staging.delivery.shaped_ids IS 'Of load_ids, those whose records staging._map_records puts into our form; NULL for none';

ALTER TABLE raw.file_loads ADD COLUMN read_as text;
COMMENT ON COLUMN raw.file_loads.read_as IS 'How staging.shapes said that the file is to be read; NULL if it said nothing. The same bytes are loaded again when that changes';

ALTER TABLE audit.steps DROP CONSTRAINT steps_inputs_check;
ALTER TABLE audit.steps ADD CONSTRAINT steps_inputs_check
    CHECK (inputs <@ ARRAY['codes', 'null markers', 'fields', 'order statuses', 'deliveries', 'staging', 'staging of orders',
                           'staging of events', 'rules', 'overrides', 'figures', 'unseen members', 'rates', 'shapes']);
UPDATE audit.steps SET inputs = inputs || '{shapes}' WHERE step IN ('clean_orders', 'clean_events', 'clean_products');

COMMENT ON TABLE audit.routine_files IS 'One row per file of db/procedures and db/shapes, the text that this database runs; and the newest revision of the schema, which a dump takes along';
COMMENT ON COLUMN audit.routine_files.path IS 'Below db/procedures, or below db for shapes; of the revision below alembic/';

-- A spelling that you have mapped yourself stays as you mapped it.
INSERT INTO staging.codes (kind, source_value, canonical_value) VALUES
    
    ('order_status', 'checkout-draft', 'pending'), ('order_status', 'pending_payment', 'pending'),
    ('order_status', 'payment_review', 'pending'), ('order_status', 'holded', 'pending'),
    ('order_status', 'pending - waiting for pick up', 'pending'), ('order_status', 'authorized', 'processing'),
    ('order_status', 'partially_paid', 'processing'), ('order_status', 'unshipped', 'processing'),
    ('order_status', 'partially_refunded', 'paid'), ('order_status', 'succeeded', 'paid'),
    ('order_status', 'no_payment_required', 'paid'), ('order_status', 'partiallyshipped', 'shipped'),
    ('order_status', 'shipping', 'shipped'), ('order_status', 'shipped - picked up', 'shipped'),
    ('order_status', 'shipped - out for delivery', 'shipped'),
    ('order_status', 'shipped - delivered to buyer', 'delivered'),
    ('order_status', 'shipped - returned to seller', 'returned'),
    ('order_status', 'shipped - returning to seller', 'returned'),
    ('order_status', 'shipped - rejected by buyer', 'returned'), ('order_status', 'expired', 'cancelled'),
    ('order_status', 'trash', 'cancelled'), ('order_status', 'fraud', 'failed'), ('event_type', 'page', 'page_view'),
    ('event_type', 'screen', 'page_view'), ('event_type', 'product viewed', 'product_view'),
    ('event_type', 'product clicked', 'click'), ('event_type', 'select_item', 'click'),
    ('event_type', 'products searched', 'search'), ('event_type', 'view_search_results', 'search'),
    ('event_type', 'product added', 'add_to_cart'), ('event_type', 'product removed', 'remove_from_cart'),
    ('event_type', 'checkout started', 'checkout'), ('event_type', 'order completed', 'purchase'),
    ('event_type', 'product added to wishlist', 'wishlist'), ('event_type', 'product shared', 'share'),
    ('event_type', 'product reviewed', 'review'), ('event_type', 'signed up', 'signup'),
    ('event_type', 'signed in', 'login'), ('event_type', 'signed out', 'logout')
ON CONFLICT ON CONSTRAINT codes_pkey DO NOTHING;

GRANT SELECT ON staging.shapes TO warehouse_runner, warehouse_checker;
GRANT USAGE ON SCHEMA shapes TO warehouse_shaper, warehouse_runner, warehouse_analyst;
ALTER DEFAULT PRIVILEGES FOR ROLE warehouse_owner IN SCHEMA shapes GRANT EXECUTE ON FUNCTIONS TO warehouse_shaper, warehouse_runner, warehouse_analyst;

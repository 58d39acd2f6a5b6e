-- Made by `make freeze` from db/schema/install.sql.

-- roles.sql ---------------------------------------------------------------------------------------

-- The five roles, and what the database itself is set to. Roles belong to the cluster, so several warehouses
-- on one server share them: they are made only where they are missing. None of them can log in; people and
-- programs log in as themselves and are granted one of these.
DO $roles$
DECLARE
    v_role    text;
    v_comment text;
BEGIN
    FOR v_role, v_comment IN VALUES
        ('warehouse_owner', 'Owns every object of the warehouse; cannot log in'),
        ('warehouse_loader', 'Adds deliveries to raw, and nothing else'),
        ('warehouse_runner', 'Calls the public procedures, and reads everything'),
        ('warehouse_checker', 'Evaluates the expressions of quality rules: reads staging and warehouse, nothing else'),
        ('warehouse_analyst', 'Reads warehouse and audit, and makes views in marts')
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
                EXECUTE format('COMMENT ON ROLE %I IS %L', v_role, v_comment);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database of this cluster was migrated at the same moment
        END;
    END LOOP;

    -- Who is no superuser needs membership to give objects to the owner and the checker. Roles that are there already,
    -- of another database of this cluster, may be somebody else's to grant: then it has to be had (glue/migrate.py says so).
    FOREACH v_role IN ARRAY ARRAY['warehouse_owner', 'warehouse_checker'] LOOP
        IF NOT pg_has_role(v_role, 'USAGE') THEN
            EXECUTE format('GRANT %I TO %I', v_role, current_user);
        END IF;
    END LOOP;
    -- The owner makes the function that the checker owns.
    IF NOT pg_has_role('warehouse_owner', 'warehouse_checker', 'USAGE') THEN
        GRANT warehouse_checker TO warehouse_owner;
    END IF;

    EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'UTC');
    -- Views that people make without naming a schema land in marts, not among the warehouse's own tables.
    EXECUTE format('ALTER DATABASE %I SET search_path = marts, public', current_database());
    EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO warehouse_owner', current_database());
END
$roles$;

-- A routine is for those it is granted to (db/procedures/privileges.sql), not for PUBLIC.
ALTER DEFAULT PRIVILEGES FOR ROLE warehouse_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL ROLE warehouse_owner;

-- schemas.sql -------------------------------------------------------------------------------------

CREATE SCHEMA IF NOT EXISTS raw AUTHORIZATION warehouse_owner;
COMMENT ON SCHEMA raw IS 'What was delivered, as it was delivered; only ever added to';
CREATE SCHEMA IF NOT EXISTS staging AUTHORIZATION warehouse_owner;
COMMENT ON SCHEMA staging IS 'What was delivered, cleaned: typed, deduplicated within its day, one partition per load_date';
CREATE SCHEMA IF NOT EXISTS warehouse AUTHORIZATION warehouse_owner;
COMMENT ON SCHEMA warehouse IS 'The star schema: dimensions, facts, daily metrics';
CREATE SCHEMA IF NOT EXISTS audit AUTHORIZATION warehouse_owner;
COMMENT ON SCHEMA audit IS 'What ran, what was refused and why, and the rules that decide it';
CREATE SCHEMA IF NOT EXISTS marts AUTHORIZATION warehouse_owner;
COMMENT ON SCHEMA marts IS 'Views and materialized views of the people who use the warehouse';

-- raw/file_loads.sql ------------------------------------------------------------------------------

CREATE TABLE raw.file_loads (
    load_id        bigint      NOT NULL,
    source         text        NOT NULL,
    run_date       date        NOT NULL,
    file_name      text        COLLATE "C" NOT NULL,
    sha256         text        COLLATE "C" NOT NULL,
    byte_count     bigint      NOT NULL,
    row_count      bigint      NOT NULL,
    rejected_count bigint      NOT NULL,
    refused_reason text,
    ingested_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT file_loads_pkey PRIMARY KEY (load_id),
    CONSTRAINT file_loads_source_check CHECK (source IN ('orders', 'events', 'products')),
    CONSTRAINT file_loads_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT file_loads_counts_check CHECK (byte_count >= 0 AND row_count >= 0 AND rejected_count >= 0
        AND (refused_reason IS NULL OR row_count + rejected_count = 0))
);
CREATE SEQUENCE raw.load_ids AS bigint OWNED BY raw.file_loads.load_id;
-- Which deliveries of a day are in force is asked by every cleaning and every extract.
CREATE INDEX idx_file_loads_run_date ON raw.file_loads (run_date, source, file_name, load_id);

COMMENT ON SEQUENCE raw.load_ids IS 'Numbers deliveries in the order of their arrival';
COMMENT ON TABLE raw.file_loads IS 'One row per delivery: a file, or a catalogue from the products API. Written in the transaction that loads it.';
COMMENT ON COLUMN raw.file_loads.load_id IS 'Number of the delivery; a later one of the same name is greater';
COMMENT ON COLUMN raw.file_loads.source IS 'orders, events or products';
COMMENT ON COLUMN raw.file_loads.run_date IS 'Day whose folder the file lay in';
COMMENT ON COLUMN raw.file_loads.file_name IS 'Name without .gz or .zst; api.json for a catalogue from the products API';
COMMENT ON COLUMN raw.file_loads.sha256 IS 'Of the uncompressed bytes, in hexadecimal';
COMMENT ON COLUMN raw.file_loads.byte_count IS 'Uncompressed size in bytes';
COMMENT ON COLUMN raw.file_loads.row_count IS 'Rows that this delivery added to its raw table';
COMMENT ON COLUMN raw.file_loads.rejected_count IS 'Records that could not be taken: rows in raw.rejected_lines';
COMMENT ON COLUMN raw.file_loads.refused_reason IS 'Why the whole file was refused, with position; NULL if it was taken';
COMMENT ON COLUMN raw.file_loads.ingested_at IS 'When it was loaded';

-- raw/orders_json.sql -----------------------------------------------------------------------------

CREATE SEQUENCE raw.raw_orders_ids AS bigint;
COMMENT ON SEQUENCE raw.raw_orders_ids IS 'Numbers the rows of raw.orders_json';
CREATE TABLE raw.orders_json (
    raw_orders_id   bigint      NOT NULL DEFAULT nextval('raw.raw_orders_ids'),
    load_id         bigint      NOT NULL,
    run_date        date        NOT NULL,
    line_number     integer     NOT NULL,
    ingested_at     timestamptz NOT NULL DEFAULT now(),
    raw_json        json        NOT NULL
) PARTITION BY RANGE (run_date);
-- Rows of a delivery lie together: a BRIN index finds a day without costing COPY anything worth mentioning.
CREATE INDEX idx_orders_json_load ON raw.orders_json USING brin (run_date, load_id, raw_orders_id) WITH (pages_per_range = 16, autosummarize = on);

COMMENT ON TABLE raw.orders_json IS 'One row per order delivered, as delivered. Partitioned by month of run_date; never updated or deleted.';
COMMENT ON COLUMN raw.orders_json.raw_orders_id IS 'Number of the raw row; ids of staging and facts derive from it';
COMMENT ON COLUMN raw.orders_json.load_id IS 'Delivery that brought it: raw.file_loads';
COMMENT ON COLUMN raw.orders_json.run_date IS 'Day of the delivery';
COMMENT ON COLUMN raw.orders_json.line_number IS 'Where it stood in the file: line of NDJSON, element of an array, from 1';
COMMENT ON COLUMN raw.orders_json.ingested_at IS 'When it was loaded';
COMMENT ON COLUMN raw.orders_json.raw_json IS 'The order byte for byte as it was delivered';

-- raw/events_csv.sql ------------------------------------------------------------------------------

CREATE SEQUENCE raw.raw_events_ids AS bigint;
COMMENT ON SEQUENCE raw.raw_events_ids IS 'Numbers the rows of raw.events_csv';
CREATE TABLE raw.events_csv (
    raw_events_id bigint      NOT NULL DEFAULT nextval('raw.raw_events_ids'),
    load_id       bigint      NOT NULL,
    run_date      date        NOT NULL,
    line_number   integer     NOT NULL,
    ingested_at   timestamptz NOT NULL DEFAULT now(),
    event_id      text,
    user_id       text,
    product_id    text,
    event_type    text,
    event_ts      text,
    extra         json
) PARTITION BY RANGE (run_date);
-- Rows of a delivery lie together: a BRIN index finds a day without costing COPY anything worth mentioning.
CREATE INDEX idx_events_csv_load ON raw.events_csv USING brin (run_date, load_id, raw_events_id) WITH (pages_per_range = 16, autosummarize = on);

COMMENT ON TABLE raw.events_csv IS 'One row per event line delivered, as text. Partitioned by month of run_date; never updated or deleted.';
COMMENT ON COLUMN raw.events_csv.raw_events_id IS 'Number of the raw row; ids of staging and facts derive from it';
COMMENT ON COLUMN raw.events_csv.load_id IS 'Delivery that brought it: raw.file_loads';
COMMENT ON COLUMN raw.events_csv.run_date IS 'Day of the delivery';
COMMENT ON COLUMN raw.events_csv.line_number IS 'Line of the file on which it began; the header is line 1';
COMMENT ON COLUMN raw.events_csv.ingested_at IS 'When it was loaded';
COMMENT ON COLUMN raw.events_csv.event_id IS 'As delivered';
COMMENT ON COLUMN raw.events_csv.user_id IS 'As delivered';
COMMENT ON COLUMN raw.events_csv.product_id IS 'As delivered';
COMMENT ON COLUMN raw.events_csv.event_type IS 'As delivered';
COMMENT ON COLUMN raw.events_csv.event_ts IS 'As delivered';
COMMENT ON COLUMN raw.events_csv.extra IS 'Columns that the header adds, as an object of strings; NULL if there are none';

-- raw/products_json.sql ---------------------------------------------------------------------------

CREATE SEQUENCE raw.raw_products_ids AS bigint;
COMMENT ON SEQUENCE raw.raw_products_ids IS 'Numbers the rows of raw.products_json';
CREATE TABLE raw.products_json (
    raw_products_id bigint      NOT NULL DEFAULT nextval('raw.raw_products_ids'),
    load_id         bigint      NOT NULL,
    run_date        date        NOT NULL,
    line_number     integer     NOT NULL,
    ingested_at     timestamptz NOT NULL DEFAULT now(),
    raw_json        json        NOT NULL
) PARTITION BY RANGE (run_date);
-- Rows of a delivery lie together: a BRIN index finds a day without costing COPY anything worth mentioning.
CREATE INDEX idx_products_json_load ON raw.products_json USING brin (run_date, load_id, raw_products_id) WITH (pages_per_range = 16, autosummarize = on);

COMMENT ON TABLE raw.products_json IS 'One row per product delivered, as delivered. Partitioned by month of run_date; never updated or deleted.';
COMMENT ON COLUMN raw.products_json.raw_products_id IS 'Number of the raw row; ids of staging and facts derive from it';
COMMENT ON COLUMN raw.products_json.load_id IS 'Delivery that brought it: raw.file_loads';
COMMENT ON COLUMN raw.products_json.run_date IS 'Day of the delivery';
COMMENT ON COLUMN raw.products_json.line_number IS 'Where it stood in the file: line of NDJSON, element of an array, from 1';
COMMENT ON COLUMN raw.products_json.ingested_at IS 'When it was loaded';
COMMENT ON COLUMN raw.products_json.raw_json IS 'The product byte for byte as it was delivered';

-- raw/rejected_lines.sql --------------------------------------------------------------------------

CREATE TABLE raw.rejected_lines (
    load_id     bigint      NOT NULL,
    run_date    date        NOT NULL,
    line_number integer     NOT NULL,
    byte_offset bigint      NOT NULL,
    byte_count  bigint      NOT NULL,
    sha256      text        COLLATE "C" NOT NULL,
    raw_line    bytea       NOT NULL,
    reason      text        NOT NULL,
    ingested_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (run_date);
CREATE INDEX idx_rejected_lines_load ON raw.rejected_lines (load_id, line_number);

COMMENT ON TABLE raw.rejected_lines IS 'One row per record that raw could not take: it does not parse, has a wrong number of fields, is not UTF-8 or is too long. Partitioned by month of run_date; never updated or deleted.';
COMMENT ON COLUMN raw.rejected_lines.load_id IS 'Delivery that brought it: raw.file_loads';
COMMENT ON COLUMN raw.rejected_lines.run_date IS 'Day of the delivery';
COMMENT ON COLUMN raw.rejected_lines.line_number IS 'Where it stood in the file: line, or element of an array, from 1';
COMMENT ON COLUMN raw.rejected_lines.byte_offset IS 'Where it began in the uncompressed file, in bytes from 0';
COMMENT ON COLUMN raw.rejected_lines.byte_count IS 'Its whole length in bytes';
COMMENT ON COLUMN raw.rejected_lines.sha256 IS 'Of the whole record, in hexadecimal';
COMMENT ON COLUMN raw.rejected_lines.raw_line IS 'Its first 64 KiB';
COMMENT ON COLUMN raw.rejected_lines.reason IS 'Why it could not be taken';
COMMENT ON COLUMN raw.rejected_lines.ingested_at IS 'When it was loaded';

-- raw/dropped_months.sql --------------------------------------------------------------------------

CREATE TABLE raw.dropped_months (
    run_month    date        NOT NULL,
    last_load_id bigint      NOT NULL,
    dropped_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dropped_months_pkey PRIMARY KEY (run_month, last_load_id)
);
COMMENT ON TABLE raw.dropped_months IS 'One row per month of raw that retention dropped. Its days can be run again only when their files are delivered again.';
COMMENT ON COLUMN raw.dropped_months.run_month IS 'First day of the month';
COMMENT ON COLUMN raw.dropped_months.last_load_id IS 'Deliveries of that month up to this one are gone';
COMMENT ON COLUMN raw.dropped_months.dropped_at IS 'When it was dropped';

-- raw/refuse_change.sql ---------------------------------------------------------------------------

-- raw is only ever added to: UPDATE, DELETE and TRUNCATE are refused, for the owner too. Statement triggers do not
-- reach partitions that are named themselves, so raw.prepare_month puts them on every partition as well.
-- The one exception: a transaction that takes an erased person out (raw._open_for_erasure) may UPDATE.
CREATE FUNCTION raw._refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_refuse_change$
BEGIN
    IF TG_OP = 'UPDATE' AND EXISTS (SELECT FROM audit.erased_users e WHERE e.rewriting = pg_current_xact_id()) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '%.% is immutable: % refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'WH010',
              DETAIL = 'Raw keeps every delivery as it came; a later delivery of the same name takes its place.',
              HINT = 'Deliver a corrected file and run the day again.';
END
$_refuse_change$;
COMMENT ON FUNCTION raw._refuse_change() IS 'Trigger: refuses UPDATE, DELETE and TRUNCATE on raw';

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.file_loads
    FOR EACH STATEMENT EXECUTE FUNCTION raw._refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.orders_json
    FOR EACH STATEMENT EXECUTE FUNCTION raw._refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.events_csv
    FOR EACH STATEMENT EXECUTE FUNCTION raw._refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.products_json
    FOR EACH STATEMENT EXECUTE FUNCTION raw._refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.rejected_lines
    FOR EACH STATEMENT EXECUTE FUNCTION raw._refuse_change();

-- staging/codes.sql -------------------------------------------------------------------------------

CREATE TABLE staging.codes (
    kind            text NOT NULL,
    source_value    text COLLATE "C" NOT NULL,
    canonical_value text NOT NULL,
    CONSTRAINT codes_pkey PRIMARY KEY (kind, source_value),
    CONSTRAINT codes_kind_check CHECK (kind IN ('order_status', 'event_type')),
    -- Cleaning looks a code up trimmed and in lower case: a row written otherwise would never be found.
    CONSTRAINT codes_source_value_check CHECK (source_value = lower(btrim(source_value)) AND source_value <> ''),
    CONSTRAINT codes_canonical_value_check CHECK (canonical_value <> '')
);
COMMENT ON TABLE staging.codes IS 'One row per spelling of a code that sources use. Add a row and run the day again; the canonical status must be in warehouse.order_statuses.';
COMMENT ON COLUMN staging.codes.kind IS 'order_status or event_type';
COMMENT ON COLUMN staging.codes.source_value IS 'Spelling of the source, trimmed and in lower case';
COMMENT ON COLUMN staging.codes.canonical_value IS 'What the warehouse calls it';

INSERT INTO staging.codes (kind, source_value, canonical_value) VALUES
    ('order_status', 'pending', 'pending'), ('order_status', 'new', 'pending'), ('order_status', 'open', 'pending'),
    ('order_status', 'created', 'pending'), ('order_status', 'placed', 'pending'),
    ('order_status', 'awaiting_payment', 'pending'), ('order_status', 'unpaid', 'pending'),
    ('order_status', 'processing', 'processing'), ('order_status', 'in_progress', 'processing'),
    ('order_status', 'in progress', 'processing'), ('order_status', 'confirmed', 'processing'),
    ('order_status', 'paid', 'paid'), ('order_status', 'payment_received', 'paid'), ('order_status', 'captured', 'paid'),
    ('order_status', 'shipped', 'shipped'), ('order_status', 'dispatched', 'shipped'),
    ('order_status', 'sent', 'shipped'), ('order_status', 'in_transit', 'shipped'), ('order_status', 'in transit', 'shipped'),
    ('order_status', 'delivered', 'delivered'), ('order_status', 'received', 'delivered'),
    ('order_status', 'completed', 'completed'), ('order_status', 'complete', 'completed'),
    ('order_status', 'done', 'completed'), ('order_status', 'closed', 'completed'), ('order_status', 'fulfilled', 'completed'),
    ('order_status', 'cancelled', 'cancelled'), ('order_status', 'canceled', 'cancelled'),
    ('order_status', 'voided', 'cancelled'), ('order_status', 'void', 'cancelled'),
    ('order_status', 'refunded', 'refunded'), ('order_status', 'refund', 'refunded'), ('order_status', 'charged_back', 'refunded'),
    ('order_status', 'returned', 'returned'), ('order_status', 'return', 'returned'),
    ('order_status', 'failed', 'failed'), ('order_status', 'declined', 'failed'),
    ('order_status', 'rejected', 'failed'), ('order_status', 'error', 'failed'),
    ('event_type', 'page_view', 'page_view'), ('event_type', 'pageview', 'page_view'), ('event_type', 'page view', 'page_view'),
    ('event_type', 'view', 'product_view'), ('event_type', 'product_view', 'product_view'),
    ('event_type', 'view_item', 'product_view'), ('event_type', 'view_product', 'product_view'),
    ('event_type', 'click', 'click'), ('event_type', 'search', 'search'),
    ('event_type', 'add_to_cart', 'add_to_cart'), ('event_type', 'addtocart', 'add_to_cart'),
    ('event_type', 'add to cart', 'add_to_cart'), ('event_type', 'cart_add', 'add_to_cart'),
    ('event_type', 'remove_from_cart', 'remove_from_cart'), ('event_type', 'cart_remove', 'remove_from_cart'),
    ('event_type', 'checkout', 'checkout'), ('event_type', 'begin_checkout', 'checkout'),
    ('event_type', 'purchase', 'purchase'), ('event_type', 'transaction', 'purchase'), ('event_type', 'order', 'purchase'),
    ('event_type', 'signup', 'signup'), ('event_type', 'sign_up', 'signup'), ('event_type', 'register', 'signup'),
    ('event_type', 'login', 'login'), ('event_type', 'logout', 'logout'), ('event_type', 'session_start', 'session_start'),
    ('event_type', 'wishlist', 'wishlist'), ('event_type', 'add_to_wishlist', 'wishlist'), ('event_type', 'share', 'share'),
    ('event_type', 'review', 'review');

-- staging/problem.sql -----------------------------------------------------------------------------

CREATE TYPE staging.problem AS (
    reason text,
    value  text
);
COMMENT ON TYPE staging.problem IS 'Why a row is rejected, and the value that it is about';
COMMENT ON COLUMN staging.problem.reason IS 'In words';
COMMENT ON COLUMN staging.problem.value IS 'As delivered, its first 1,000 characters';

-- staging/delivery.sql ----------------------------------------------------------------------------

CREATE TYPE staging.delivery AS (
    source        text,
    load_date     date,
    load_ids      bigint[],
    row_count     bigint,
    refused_count bigint,
    file_count    bigint
);
COMMENT ON TYPE staging.delivery IS 'The deliveries in force of a source and day';
COMMENT ON COLUMN staging.delivery.source IS 'orders, events or products';
COMMENT ON COLUMN staging.delivery.load_date IS 'Day';
COMMENT ON COLUMN staging.delivery.load_ids IS 'Those that were taken, by the bytes of their names';
COMMENT ON COLUMN staging.delivery.row_count IS 'Rows that they have in raw';
COMMENT ON COLUMN staging.delivery.refused_count IS 'Records that raw could not take, and files refused whole';
COMMENT ON COLUMN staging.delivery.file_count IS 'Deliveries, refused ones too';

-- staging/loads.sql -------------------------------------------------------------------------------

CREATE TABLE staging.loads (
    load_date       date        NOT NULL,
    source          text        NOT NULL,
    staging_version bigint      NOT NULL,
    raw_count       bigint      NOT NULL,
    delivered_count bigint      NOT NULL,
    clean_count     bigint      NOT NULL,
    duplicate_count bigint      NOT NULL,
    rejected_count  bigint      NOT NULL,
    load_ids        bigint[]    NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT loads_pkey PRIMARY KEY (source, load_date),
    CONSTRAINT loads_source_check CHECK (source IN ('orders', 'events', 'products'))
);
CREATE SEQUENCE staging.staging_versions AS bigint OWNED BY staging.loads.staging_version;
COMMENT ON SEQUENCE staging.staging_versions IS 'Numbers the states of staging that the gate may judge';
COMMENT ON TABLE staging.loads IS 'One row per source and day that was cleaned: what became of its lines, and which state of staging that is';
COMMENT ON COLUMN staging.loads.load_date IS 'Day that was cleaned';
COMMENT ON COLUMN staging.loads.source IS 'orders, events or products';
COMMENT ON COLUMN staging.loads.staging_version IS 'Changes when a row of that day''s staging changes; a pass of the gate holds for one version';
COMMENT ON COLUMN staging.loads.raw_count IS 'Rows of raw in the deliveries in force (orders, events, products)';
COMMENT ON COLUMN staging.loads.delivered_count IS 'Lines delivered: clean + duplicate + rejected';
COMMENT ON COLUMN staging.loads.clean_count IS 'Lines in staging';
COMMENT ON COLUMN staging.loads.duplicate_count IS 'Lines of reports that a later one of the same day replaced';
COMMENT ON COLUMN staging.loads.rejected_count IS 'Lines rejected: rows in audit.bad_records';
COMMENT ON COLUMN staging.loads.load_ids IS 'Deliveries in force that were read, in the order of their names';
COMMENT ON COLUMN staging.loads.created_at IS 'When the day was first cleaned';
COMMENT ON COLUMN staging.loads.updated_at IS 'When this row last changed';

-- staging/orders_clean.sql ------------------------------------------------------------------------

CREATE TABLE staging.orders_clean (
    staging_orders_id bigint      NOT NULL,
    load_date         date        NOT NULL,
    order_id          text        COLLATE "C" NOT NULL,
    line_number       integer     NOT NULL,
    user_id           text        COLLATE "C",
    product_id        text        COLLATE "C" NOT NULL,
    quantity          integer     NOT NULL,
    unit_price        numeric     NOT NULL,
    revenue           numeric     NOT NULL,
    order_ts          timestamptz NOT NULL,
    status            text        NOT NULL,
    city              text,
    signup_date       date,
    marketing_source  text,
    raw_orders_id     bigint      NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
) PARTITION BY RANGE (load_date);
CREATE UNIQUE INDEX idx_orders_clean_line ON staging.orders_clean (order_id, line_number, load_date);

COMMENT ON TABLE staging.orders_clean IS 'One row per order line and load. Partitioned by load_date.';
COMMENT ON COLUMN staging.orders_clean.staging_orders_id IS 'raw_orders_id x 1,000,000 + line_number';
COMMENT ON COLUMN staging.orders_clean.load_date IS 'Day of the delivery';
COMMENT ON COLUMN staging.orders_clean.order_id IS 'Of the source';
COMMENT ON COLUMN staging.orders_clean.line_number IS 'Item of the order, from 1 in the order given';
COMMENT ON COLUMN staging.orders_clean.user_id IS 'Of the source; NULL for a guest';
COMMENT ON COLUMN staging.orders_clean.product_id IS 'Of the source';
COMMENT ON COLUMN staging.orders_clean.quantity IS 'Pieces, above 0';
COMMENT ON COLUMN staging.orders_clean.unit_price IS 'Price of one piece in the currency of the shop, not below 0';
COMMENT ON COLUMN staging.orders_clean.revenue IS 'quantity x unit_price, exactly';
COMMENT ON COLUMN staging.orders_clean.order_ts IS 'When the order was placed';
COMMENT ON COLUMN staging.orders_clean.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN staging.orders_clean.city IS 'Of the customer, as the order says';
COMMENT ON COLUMN staging.orders_clean.signup_date IS 'Of the customer, as the order says';
COMMENT ON COLUMN staging.orders_clean.marketing_source IS 'Of the customer, as the order says';
COMMENT ON COLUMN staging.orders_clean.raw_orders_id IS 'Raw row that it came from: raw.orders_json';
COMMENT ON COLUMN staging.orders_clean.created_at IS 'When this line of this load was first cleaned';
COMMENT ON COLUMN staging.orders_clean.updated_at IS 'When a business column of it last changed';

-- staging/events_clean.sql ------------------------------------------------------------------------

CREATE TABLE staging.events_clean (
    staging_events_id bigint      NOT NULL,
    load_date         date        NOT NULL,
    event_id          text        COLLATE "C" NOT NULL,
    user_id           text        COLLATE "C",
    product_id        text        COLLATE "C",
    event_type        text        NOT NULL,
    event_ts          timestamptz NOT NULL,
    raw_events_id     bigint      NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
) PARTITION BY RANGE (load_date);
CREATE UNIQUE INDEX idx_events_clean_event ON staging.events_clean (event_id, event_ts, load_date);

COMMENT ON TABLE staging.events_clean IS 'One row per event and load. Partitioned by load_date.';
COMMENT ON COLUMN staging.events_clean.staging_events_id IS 'raw_events_id';
COMMENT ON COLUMN staging.events_clean.load_date IS 'Day of the delivery';
COMMENT ON COLUMN staging.events_clean.event_id IS 'Of the source';
COMMENT ON COLUMN staging.events_clean.user_id IS 'Of the source; NULL for a guest';
COMMENT ON COLUMN staging.events_clean.product_id IS 'Of the source; NULL if the event is about none';
COMMENT ON COLUMN staging.events_clean.event_type IS 'Canonical type: staging.codes; one that is not mapped in lower case';
COMMENT ON COLUMN staging.events_clean.event_ts IS 'When it happened';
COMMENT ON COLUMN staging.events_clean.raw_events_id IS 'Raw row that it came from: raw.events_csv';
COMMENT ON COLUMN staging.events_clean.created_at IS 'When this event of this load was first cleaned';
COMMENT ON COLUMN staging.events_clean.updated_at IS 'When a business column of it last changed';

-- staging/products_clean.sql ----------------------------------------------------------------------

CREATE TABLE staging.products_clean (
    staging_products_id bigint      NOT NULL,
    load_date           date        NOT NULL,
    product_id          text        COLLATE "C" NOT NULL,
    product_name        text,
    category            text,
    brand               text,
    current_price       numeric,
    raw_products_id     bigint      NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL
) PARTITION BY RANGE (load_date);
CREATE UNIQUE INDEX idx_products_clean_product ON staging.products_clean (product_id, load_date);

COMMENT ON TABLE staging.products_clean IS 'One row per product and catalogue. Partitioned by load_date.';
COMMENT ON COLUMN staging.products_clean.staging_products_id IS 'raw_products_id';
COMMENT ON COLUMN staging.products_clean.load_date IS 'Day of the catalogue';
COMMENT ON COLUMN staging.products_clean.product_id IS 'Of the source';
COMMENT ON COLUMN staging.products_clean.product_name IS 'As the catalogue says, trimmed';
COMMENT ON COLUMN staging.products_clean.category IS 'As the catalogue says, trimmed';
COMMENT ON COLUMN staging.products_clean.brand IS 'As the catalogue says, trimmed';
COMMENT ON COLUMN staging.products_clean.current_price IS 'Price of one piece on that day, in the currency of the shop; NULL if the catalogue has none';
COMMENT ON COLUMN staging.products_clean.raw_products_id IS 'Raw row that it came from: raw.products_json';
COMMENT ON COLUMN staging.products_clean.created_at IS 'When this product of this catalogue was first cleaned';
COMMENT ON COLUMN staging.products_clean.updated_at IS 'When a business column of it last changed';

-- audit/settings.sql ------------------------------------------------------------------------------

CREATE TABLE audit.settings (
    name        text NOT NULL,
    value       text,
    description text NOT NULL,
    CONSTRAINT settings_pkey PRIMARY KEY (name),
    CONSTRAINT settings_value_check CHECK (value IS NULL OR value ~ '^[0-9]{1,9}$')
);
COMMENT ON TABLE audit.settings IS 'One row per setting; change one with UPDATE, it holds from the next step on';
COMMENT ON COLUMN audit.settings.name IS 'What it is called';
COMMENT ON COLUMN audit.settings.value IS 'A whole number; NULL is off';
COMMENT ON COLUMN audit.settings.description IS 'What it does, and its unit';

INSERT INTO audit.settings (name, value, description) VALUES
    ('oldest_order_days', '400', 'Days: an order or event dated longer than this before its load_date is rejected; NULL is 100 years'),
    ('raw_keep_days', NULL, 'Days: compact_partitions drops months of raw that ended longer ago; NULL keeps everything'),
    ('staging_keep_days', NULL, 'Days: compact_partitions drops partitions of staging that ended longer ago; NULL keeps everything'),
    ('step_attempts', '4', 'Times: how often a step is tried when it meets a deadlock, a serialization failure or a lock that it does not get'),
    ('swap_attempts', '60', 'Times: how often a partition swap asks for its lock before it gives up'),
    ('swap_lock_timeout_ms', '80', 'Milliseconds: how long each of these waits, and so the longest that readers queue behind it'),
    ('swap_pause_ms', '250', 'Milliseconds: pause between these, in which readers pass'),
    ('skip_unchanged', '1', '1: a step whose inputs are those of its last result does nothing; 0: every step works, whatever it did before'),
    ('in_place_percent', '20', 'Percent: a reload that changes up to this share of a day writes these rows in place, above it the partition is swapped');

-- audit/pipeline_runs.sql -------------------------------------------------------------------------

CREATE TABLE audit.pipeline_runs (
    run_id       bigint      GENERATED ALWAYS AS IDENTITY,
    run_date     date        NOT NULL,
    status       text        NOT NULL,
    triggered_by text        NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at     timestamptz,
    idle         interval    NOT NULL DEFAULT '0',
    error        text,
    CONSTRAINT pipeline_runs_pkey PRIMARY KEY (run_id),
    CONSTRAINT pipeline_runs_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'blocked'))
);
CREATE INDEX idx_pipeline_runs_run_date ON audit.pipeline_runs (run_date, run_id);

COMMENT ON TABLE audit.pipeline_runs IS 'One row per run of a day';
COMMENT ON COLUMN audit.pipeline_runs.run_id IS 'Number of the run';
COMMENT ON COLUMN audit.pipeline_runs.run_date IS 'Day that was run';
COMMENT ON COLUMN audit.pipeline_runs.status IS 'running, succeeded, failed, or blocked by the quality gate';
COMMENT ON COLUMN audit.pipeline_runs.triggered_by IS 'Who started it: role, and application_name where there is one';
COMMENT ON COLUMN audit.pipeline_runs.started_at IS 'When it began';
COMMENT ON COLUMN audit.pipeline_runs.ended_at IS 'When it ended; NULL while it runs';
COMMENT ON COLUMN audit.pipeline_runs.idle IS 'How long it lay failed or blocked before a step was called again; not part of its runtime';
COMMENT ON COLUMN audit.pipeline_runs.error IS 'Step and message of what ended it, if it did not succeed';

-- audit/pipeline_steps.sql ------------------------------------------------------------------------

CREATE TABLE audit.pipeline_steps (
    step_id        bigint      GENERATED ALWAYS AS IDENTITY,
    run_id         bigint      NOT NULL,
    step           text        NOT NULL,
    status         text        NOT NULL,
    started_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at       timestamptz,
    rows_in        bigint,
    rows_out       bigint,
    rows_rejected  bigint,
    rows_duplicate bigint,
    error_sqlstate text,
    error_message  text,
    error_context  text,
    backend_pid    integer     NOT NULL DEFAULT pg_backend_pid(),
    CONSTRAINT pipeline_steps_pkey PRIMARY KEY (step_id),
    CONSTRAINT pipeline_steps_run_id_fkey FOREIGN KEY (run_id) REFERENCES audit.pipeline_runs (run_id),
    CONSTRAINT pipeline_steps_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'blocked'))
);
CREATE INDEX idx_pipeline_steps_run_id ON audit.pipeline_steps (run_id, step_id);
CREATE INDEX idx_pipeline_steps_running ON audit.pipeline_steps (run_id) WHERE status = 'running';

COMMENT ON TABLE audit.pipeline_steps IS 'One row per step of a run and attempt at it';
COMMENT ON COLUMN audit.pipeline_steps.step_id IS 'Number of the step; the session that runs it holds an advisory lock on it, so that one that died can be told from one that runs';
COMMENT ON COLUMN audit.pipeline_steps.run_id IS 'Run that it belongs to';
COMMENT ON COLUMN audit.pipeline_steps.step IS 'Name of the public procedure, without its schema';
COMMENT ON COLUMN audit.pipeline_steps.status IS 'running, succeeded, failed, or blocked by the quality gate';
COMMENT ON COLUMN audit.pipeline_steps.started_at IS 'When it began';
COMMENT ON COLUMN audit.pipeline_steps.ended_at IS 'When it ended; NULL while it runs';
COMMENT ON COLUMN audit.pipeline_steps.rows_in IS 'Rows or lines that it read';
COMMENT ON COLUMN audit.pipeline_steps.rows_out IS 'Rows that its result holds';
COMMENT ON COLUMN audit.pipeline_steps.rows_rejected IS 'Lines that it rejected; for check_quality rows that rules counted';
COMMENT ON COLUMN audit.pipeline_steps.rows_duplicate IS 'Lines that were duplicates; for the facts, superseded by a later load';
COMMENT ON COLUMN audit.pipeline_steps.error_sqlstate IS 'SQLSTATE of what ended it';
COMMENT ON COLUMN audit.pipeline_steps.error_message IS 'Message, detail and hint of what ended it';
COMMENT ON COLUMN audit.pipeline_steps.error_context IS 'Where in the code: the PL/pgSQL call stack';
COMMENT ON COLUMN audit.pipeline_steps.backend_pid IS 'Server process that runs or ran it';

-- audit/step_result.sql ---------------------------------------------------------------------------

CREATE TYPE audit.step_result AS (
    rows_in        bigint,
    rows_out       bigint,
    rows_rejected  bigint,
    rows_duplicate bigint,
    blocked_reason text
);
COMMENT ON TYPE audit.step_result IS 'What a worker tells the driver: its counts, and why it blocked the day if it did';
COMMENT ON COLUMN audit.step_result.rows_in IS 'Rows or lines that it read';
COMMENT ON COLUMN audit.step_result.rows_out IS 'Rows that its result holds';
COMMENT ON COLUMN audit.step_result.rows_rejected IS 'Lines rejected';
COMMENT ON COLUMN audit.step_result.rows_duplicate IS 'Lines that were duplicates or superseded';
COMMENT ON COLUMN audit.step_result.blocked_reason IS 'Why the day is blocked; NULL if it is not';

CREATE TYPE audit.failure AS (
    sqlstate text,
    message  text,
    detail   text,
    hint     text,
    context  text,
    schema_name     text,
    table_name      text,
    column_name     text,
    constraint_name text
);
COMMENT ON TYPE audit.failure IS 'An error as it was caught, to be recorded, committed and then raised as it was';
COMMENT ON COLUMN audit.failure.sqlstate IS 'SQLSTATE';
COMMENT ON COLUMN audit.failure.message IS 'Primary message';
COMMENT ON COLUMN audit.failure.detail IS 'DETAIL';
COMMENT ON COLUMN audit.failure.hint IS 'HINT';
COMMENT ON COLUMN audit.failure.context IS 'PL/pgSQL call stack';
COMMENT ON COLUMN audit.failure.schema_name IS 'Schema that the error names';
COMMENT ON COLUMN audit.failure.table_name IS 'Table that the error names';
COMMENT ON COLUMN audit.failure.column_name IS 'Column that the error names';
COMMENT ON COLUMN audit.failure.constraint_name IS 'Constraint that the error names';

-- audit/dq_rules.sql ------------------------------------------------------------------------------

CREATE TABLE audit.dq_rules (
    rule_name   text    NOT NULL,
    check_type  text    NOT NULL,
    table_name  text,
    expression  text    NOT NULL,
    min_value   numeric,
    max_value   numeric,
    severity    text    NOT NULL,
    enabled     boolean NOT NULL DEFAULT true,
    sample      text,
    description text    NOT NULL,
    CONSTRAINT dq_rules_pkey PRIMARY KEY (rule_name),
    CONSTRAINT dq_rules_table_name_check
        CHECK (table_name IN ('staging.orders_clean', 'staging.events_clean', 'staging.products_clean')),
    -- The name becomes a column of the query that judges: a longer one would be cut and not be found again.
    CONSTRAINT dq_rules_rule_name_check CHECK (octet_length(rule_name) BETWEEN 1 AND 63 AND rule_name <> 'checked rows'),
    CONSTRAINT dq_rules_severity_check CHECK (severity IN ('critical', 'warning')),
    CONSTRAINT dq_rules_shape_check
        CHECK (table_name IS NOT NULL OR min_value IS NOT NULL OR max_value IS NOT NULL)
);
COMMENT ON TABLE audit.dq_rules IS 'One row per quality rule. Without thresholds the expression is a condition that each row of the table''s day must meet; with one it is a number for the day that must lie between them (NULL keeps the rule silent), an aggregate over the table''s day or, without a table, any scalar. $1 is the load_date.';
COMMENT ON COLUMN audit.dq_rules.rule_name IS 'What it is called';
COMMENT ON COLUMN audit.dq_rules.check_type IS 'Kind of check, for people: volume, uniqueness, range, share, freshness, reconcile, …';
COMMENT ON COLUMN audit.dq_rules.table_name IS 'Staging table whose day it looks at; NULL for a scalar of its own';
COMMENT ON COLUMN audit.dq_rules.expression IS 'SQL; evaluated as warehouse_checker, read-only';
COMMENT ON COLUMN audit.dq_rules.min_value IS 'The number must not be below it; NULL for no bound';
COMMENT ON COLUMN audit.dq_rules.max_value IS 'The number must not be above it; NULL for no bound';
COMMENT ON COLUMN audit.dq_rules.severity IS 'critical blocks the day, warning does not';
COMMENT ON COLUMN audit.dq_rules.enabled IS 'false switches it off';
COMMENT ON COLUMN audit.dq_rules.sample IS 'SQL over a row: what the sample of a rule about rows shows; NULL shows the key';
COMMENT ON COLUMN audit.dq_rules.description IS 'What it is for and what to do when it fails';

INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, min_value, max_value, severity, sample, description) VALUES
    ('orders_volume', 'volume', 'staging.orders_clean', 'count(*)', 1, NULL, 'critical', NULL,
     'The day has order lines. Is the file there? If the shop was closed: CALL audit.allow_day(date, reason).'),
    ('events_volume', 'volume', 'staging.events_clean', 'count(*)', 1, NULL, 'critical', NULL,
     'The day has events. A shop without clicks switches this rule off.'),
    ('orders_volume_low', 'volume', 'staging.orders_clean', 'count(*)', 100, NULL, 'warning', NULL,
     'The day has at least 100 order lines.'),
    ('events_volume_low', 'volume', 'staging.events_clean', 'count(*)', 100, NULL, 'warning', NULL,
     'The day has at least 100 events.'),
    ('orders_volume_trend', 'volume', 'staging.orders_clean',
     'count(*) / (SELECT CASE WHEN count(*) = 4 THEN nullif(percentile_cont(0.5) WITHIN GROUP (ORDER BY l.clean_count), 0) END FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date IN ($1 - 7, $1 - 14, $1 - 21, $1 - 28))',
     0.3, 3, 'warning', NULL,
     'Order lines are between 0.3 and 3 times the median of the last four same weekdays; silent until there are four.'),
    ('events_volume_trend', 'volume', 'staging.events_clean',
     'count(*) / (SELECT CASE WHEN count(*) = 4 THEN nullif(percentile_cont(0.5) WITHIN GROUP (ORDER BY l.clean_count), 0) END FROM staging.loads l WHERE l.source = ''events'' AND l.load_date IN ($1 - 7, $1 - 14, $1 - 21, $1 - 28))',
     0.3, 3, 'warning', NULL,
     'Events are between 0.3 and 3 times the median of the last four same weekdays; silent until there are four.'),
    ('orders_unique', 'uniqueness', NULL, 'staging.duplicate_count(''staging.orders_clean'', $1)', NULL, 0, 'critical', NULL,
     'No order line of the day stands in staging twice.'),
    ('events_unique', 'uniqueness', NULL, 'staging.duplicate_count(''staging.events_clean'', $1)', NULL, 0, 'critical', NULL,
     'No event of the day stands in staging twice.'),
    ('orders_range', 'range', 'staging.orders_clean',
     'quantity > 0 AND unit_price >= 0 AND revenue = quantity * unit_price AND (order_ts AT TIME ZONE ''UTC'')::date BETWEEN (SELECT staging.oldest_date($1)) AND $1',
     NULL, NULL, 'critical', NULL,
     'Quantity, price, revenue and time are possible. Cleaning rejects what is not; this proves it.'),
    ('events_range', 'range', 'staging.events_clean',
     '(event_ts AT TIME ZONE ''UTC'')::date BETWEEN (SELECT staging.oldest_date($1)) AND $1',
     NULL, NULL, 'critical', NULL,
     'Times are possible. Cleaning rejects what is not; this proves it.'),
    ('orders_rejected_share', 'share', NULL,
     '(SELECT l.rejected_count::numeric / nullif(l.delivered_count, 0) FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date = $1)',
     NULL, 0.05, 'warning', NULL, 'At most 5 % of the order lines were rejected; see audit.bad_records.'),
    ('events_rejected_share', 'share', NULL,
     '(SELECT l.rejected_count::numeric / nullif(l.delivered_count, 0) FROM staging.loads l WHERE l.source = ''events'' AND l.load_date = $1)',
     NULL, 0.05, 'warning', NULL, 'At most 5 % of the events were rejected; see audit.bad_records.'),
    ('orders_rejected_share_max', 'share', NULL,
     '(SELECT l.rejected_count::numeric / nullif(l.delivered_count, 0) FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date = $1)',
     NULL, 0.25, 'critical', NULL, 'At most 25 % of the order lines were rejected; see audit.bad_records.'),
    ('events_rejected_share_max', 'share', NULL,
     '(SELECT l.rejected_count::numeric / nullif(l.delivered_count, 0) FROM staging.loads l WHERE l.source = ''events'' AND l.load_date = $1)',
     NULL, 0.25, 'critical', NULL, 'At most 25 % of the events were rejected; see audit.bad_records.'),
    ('products_coverage', 'share', 'staging.orders_clean',
     'avg(CASE WHEN product_id IN (SELECT p.product_id FROM warehouse.dim_product p WHERE NOT p.is_inferred UNION ALL SELECT c.product_id FROM staging.products_clean c WHERE c.load_date = $1) THEN 0 ELSE 1 END)',
     NULL, 0.05, 'warning', NULL, 'At most 5 % of the order lines are about products that no catalogue knows.'),
    ('products_age', 'freshness', NULL,
     '$1 - (SELECT max(l.load_date) FROM staging.loads l WHERE l.source = ''products'' AND l.clean_count > 0 AND l.load_date <= $1)',
     NULL, 14, 'warning', NULL, 'The newest catalogue is at most 14 days old.'),
    ('events_unmapped_types', 'codes', 'staging.events_clean',
     'event_type IN (SELECT c.canonical_value FROM staging.codes c WHERE c.kind = ''event_type'')',
     NULL, NULL, 'warning', 'event_type', 'Every event type is in staging.codes. The sample names those that are not.'),
    ('orders_reconcile', 'reconcile', 'staging.orders_clean',
     '(SELECT l.delivered_count - l.duplicate_count - l.rejected_count FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date = $1) - count(*)',
     0, 0, 'critical', NULL, 'Lines delivered = clean + duplicate + rejected.'),
    ('events_reconcile', 'reconcile', 'staging.events_clean',
     '(SELECT l.delivered_count - l.duplicate_count - l.rejected_count FROM staging.loads l WHERE l.source = ''events'' AND l.load_date = $1) - count(*)',
     0, 0, 'critical', NULL, 'Events delivered = clean + duplicate + rejected.');

-- audit/dq_results.sql ----------------------------------------------------------------------------

CREATE TABLE audit.dq_results (
    run_id        bigint      NOT NULL,
    run_date      date        NOT NULL,
    rule_name     text        NOT NULL,
    check_type    text        NOT NULL,
    severity      text        NOT NULL,
    passed        boolean     NOT NULL,
    failed_count  bigint      NOT NULL,
    checked_count bigint,
    observed      numeric,
    message       text        NOT NULL,
    sample        text[],
    checked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT dq_results_pkey PRIMARY KEY (run_id, rule_name),
    CONSTRAINT dq_results_run_id_fkey FOREIGN KEY (run_id) REFERENCES audit.pipeline_runs (run_id)
);
CREATE INDEX idx_dq_results_run_date ON audit.dq_results (run_date, run_id);

COMMENT ON TABLE audit.dq_results IS 'One row per rule and run, passes too; kept';
COMMENT ON COLUMN audit.dq_results.run_id IS 'Run that judged';
COMMENT ON COLUMN audit.dq_results.run_date IS 'Day that was judged';
COMMENT ON COLUMN audit.dq_results.rule_name IS 'Rule as it was called then: audit.dq_rules';
COMMENT ON COLUMN audit.dq_results.check_type IS 'Kind of check of the rule';
COMMENT ON COLUMN audit.dq_results.severity IS 'critical blocks the day, warning does not';
COMMENT ON COLUMN audit.dq_results.passed IS 'Whether the day keeps the rule';
COMMENT ON COLUMN audit.dq_results.failed_count IS 'Rows that break it; for a rule about the day as a whole 1 if it fails';
COMMENT ON COLUMN audit.dq_results.checked_count IS 'Rows looked at; NULL for a rule about the day as a whole';
COMMENT ON COLUMN audit.dq_results.observed IS 'The number that was compared with the thresholds; NULL for a rule about rows';
COMMENT ON COLUMN audit.dq_results.message IS 'The verdict in words';
COMMENT ON COLUMN audit.dq_results.sample IS 'Keys of up to five rows that break it';
COMMENT ON COLUMN audit.dq_results.checked_at IS 'When it was judged';

-- audit/dq_failures.sql ---------------------------------------------------------------------------

CREATE VIEW audit.dq_failures AS
SELECT run_id, run_date, rule_name, check_type, severity, failed_count, checked_count, observed, message, sample,
       checked_at
FROM audit.dq_results
WHERE NOT passed;

COMMENT ON VIEW audit.dq_failures IS 'One row per failed rule and run';
COMMENT ON COLUMN audit.dq_failures.run_id IS 'Run that judged';
COMMENT ON COLUMN audit.dq_failures.run_date IS 'Day that was judged';
COMMENT ON COLUMN audit.dq_failures.rule_name IS 'Rule that failed';
COMMENT ON COLUMN audit.dq_failures.check_type IS 'Kind of check of the rule';
COMMENT ON COLUMN audit.dq_failures.severity IS 'critical blocks the day, warning does not';
COMMENT ON COLUMN audit.dq_failures.failed_count IS 'Rows that break it; 1 for a rule about the day as a whole';
COMMENT ON COLUMN audit.dq_failures.checked_count IS 'Rows looked at; NULL for a rule about the day as a whole';
COMMENT ON COLUMN audit.dq_failures.observed IS 'The number that was compared with the thresholds';
COMMENT ON COLUMN audit.dq_failures.message IS 'The verdict in words';
COMMENT ON COLUMN audit.dq_failures.sample IS 'Keys of up to five rows that break it';
COMMENT ON COLUMN audit.dq_failures.checked_at IS 'When it was judged';

-- audit/dq_overrides.sql --------------------------------------------------------------------------

CREATE TABLE audit.dq_overrides (
    override_id      bigint      GENERATED ALWAYS AS IDENTITY,
    run_date         date        NOT NULL,
    reason           text        NOT NULL,
    allowed_by       text        NOT NULL,
    allowed_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    staging_versions bigint[]    NOT NULL,
    used_by_run_id   bigint,
    CONSTRAINT dq_overrides_pkey PRIMARY KEY (override_id),
    CONSTRAINT dq_overrides_staging_key UNIQUE (run_date, staging_versions),
    CONSTRAINT dq_overrides_used_by_run_id_fkey FOREIGN KEY (used_by_run_id) REFERENCES audit.pipeline_runs (run_id),
    CONSTRAINT dq_overrides_reason_check CHECK (btrim(reason) <> '')
);
COMMENT ON TABLE audit.dq_overrides IS 'One row per blocked staging that somebody let through: CALL audit.allow_day(load_date, reason)';
COMMENT ON COLUMN audit.dq_overrides.override_id IS 'Number of the override';
COMMENT ON COLUMN audit.dq_overrides.run_date IS 'Day let through';
COMMENT ON COLUMN audit.dq_overrides.reason IS 'Why, in the words of who allowed it';
COMMENT ON COLUMN audit.dq_overrides.allowed_by IS 'Role that was logged in';
COMMENT ON COLUMN audit.dq_overrides.allowed_at IS 'When';
COMMENT ON COLUMN audit.dq_overrides.staging_versions IS 'The staging it holds for: versions of orders, events and products in staging.loads, 0 where there is none';
COMMENT ON COLUMN audit.dq_overrides.used_by_run_id IS 'First run that it let through; NULL until then';

-- audit/gate_verdicts.sql -------------------------------------------------------------------------

CREATE TABLE audit.gate_verdicts (
    run_date         date        NOT NULL,
    staging_versions bigint[]    NOT NULL,
    passed           boolean     NOT NULL,
    run_id           bigint      NOT NULL,
    judged_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT gate_verdicts_pkey PRIMARY KEY (run_date),
    CONSTRAINT gate_verdicts_run_id_fkey FOREIGN KEY (run_id) REFERENCES audit.pipeline_runs (run_id)
);
COMMENT ON TABLE audit.gate_verdicts IS 'One row per day: the last verdict of the quality gate, and the staging that it holds for';
COMMENT ON COLUMN audit.gate_verdicts.run_date IS 'Day judged';
COMMENT ON COLUMN audit.gate_verdicts.staging_versions IS 'Versions of orders, events and products in staging.loads that were judged, 0 where there is none';
COMMENT ON COLUMN audit.gate_verdicts.passed IS 'Whether that staging may be loaded';
COMMENT ON COLUMN audit.gate_verdicts.run_id IS 'Run that judged';
COMMENT ON COLUMN audit.gate_verdicts.judged_at IS 'When';

-- audit/step_inputs.sql ---------------------------------------------------------------------------

CREATE TABLE audit.step_inputs (
    step            text        NOT NULL,
    run_date        date        NOT NULL,
    digest          text        NOT NULL,
    staging_version bigint,
    rows_in         bigint      NOT NULL,
    rows_out        bigint,
    rows_rejected   bigint,
    rows_duplicate  bigint,
    work_number     bigint      GENERATED ALWAYS AS IDENTITY,
    worked_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT step_inputs_pkey PRIMARY KEY (step, run_date)
);
CREATE INDEX idx_step_inputs_work_number ON audit.step_inputs (work_number);

COMMENT ON TABLE audit.step_inputs IS 'One row per step and day that worked: from what it made its result. With the same inputs, and the result still there, it does nothing. Deleting rows makes steps work again.';
COMMENT ON COLUMN audit.step_inputs.step IS 'Public procedure: clean_orders, check_quality, …';
COMMENT ON COLUMN audit.step_inputs.run_date IS 'Day of the data';
COMMENT ON COLUMN audit.step_inputs.digest IS 'SHA-256 of all inputs: deliveries in force or staging, codes, settings, rules, overrides, the text of the routines, the schema''s revision';
COMMENT ON COLUMN audit.step_inputs.staging_version IS 'Of a cleaning step: the staging that it made';
COMMENT ON COLUMN audit.step_inputs.rows_in IS 'What the step said then; the same is said again';
COMMENT ON COLUMN audit.step_inputs.rows_out IS 'What the step said then; the same is said again';
COMMENT ON COLUMN audit.step_inputs.rows_rejected IS 'What the step said then; the same is said again';
COMMENT ON COLUMN audit.step_inputs.rows_duplicate IS 'What the step said then; the same is said again';
COMMENT ON COLUMN audit.step_inputs.work_number IS 'Rises with each work of any step: whether another day has changed since';
COMMENT ON COLUMN audit.step_inputs.worked_at IS 'When the step last worked';

-- audit/bad_records.sql ---------------------------------------------------------------------------

CREATE TABLE audit.bad_records (
    bad_record_id  bigint      GENERATED ALWAYS AS IDENTITY,
    run_date       date        NOT NULL,
    source_table   text        NOT NULL,
    load_id        bigint      NOT NULL,
    raw_id         bigint,
    item_number    integer,
    record_id      text,
    file_name      text        COLLATE "C" NOT NULL,
    line_number    integer,
    failure_reason text        NOT NULL,
    failed_value   text,
    raw_data       text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT bad_records_pkey PRIMARY KEY (bad_record_id)
);
CREATE INDEX idx_bad_records_run_date ON audit.bad_records (run_date, source_table);

COMMENT ON TABLE audit.bad_records IS 'One row per rejected row and load';
COMMENT ON COLUMN audit.bad_records.bad_record_id IS 'Number of the row';
COMMENT ON COLUMN audit.bad_records.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.bad_records.source_table IS 'Raw table that it was meant for';
COMMENT ON COLUMN audit.bad_records.load_id IS 'Delivery that brought it: raw.file_loads';
COMMENT ON COLUMN audit.bad_records.raw_id IS 'Its raw row; NULL if raw could not take it';
COMMENT ON COLUMN audit.bad_records.item_number IS 'Line of the order, from 1; NULL if it is not an order line';
COMMENT ON COLUMN audit.bad_records.record_id IS 'order_id, event_id or product_id, where it has one';
COMMENT ON COLUMN audit.bad_records.file_name IS 'Delivery';
COMMENT ON COLUMN audit.bad_records.line_number IS 'Where in the file: line, or element of an array, from 1; NULL for a whole file';
COMMENT ON COLUMN audit.bad_records.failure_reason IS 'Every reason that applies, first first, separated by semicolons';
COMMENT ON COLUMN audit.bad_records.failed_value IS 'The value that the first reason is about';
COMMENT ON COLUMN audit.bad_records.raw_data IS 'The record as delivered, its first 64 KiB';
COMMENT ON COLUMN audit.bad_records.created_at IS 'When it was rejected';

-- audit/erasures.sql ------------------------------------------------------------------------------

CREATE TABLE audit.erasures (
    erasure_id     bigint      GENERATED ALWAYS AS IDENTITY,
    erased_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    erased_by      text        NOT NULL,
    reason         text        NOT NULL,
    raw_rows       bigint      NOT NULL,
    staging_rows   bigint      NOT NULL,
    warehouse_rows bigint      NOT NULL,
    audit_rows     bigint      NOT NULL,
    CONSTRAINT erasures_pkey PRIMARY KEY (erasure_id),
    CONSTRAINT erasures_reason_check CHECK (btrim(reason) <> '')
);
COMMENT ON TABLE audit.erasures IS 'One row per person taken out of the warehouse: CALL audit.erase_user(user_id, reason). It does not say who it was, nor by which name the person''s rows go now.';
COMMENT ON COLUMN audit.erasures.erasure_id IS 'Number of the erasure';
COMMENT ON COLUMN audit.erasures.erased_at IS 'When';
COMMENT ON COLUMN audit.erasures.erased_by IS 'Role that was logged in';
COMMENT ON COLUMN audit.erasures.reason IS 'Why, in the words of who did it';
COMMENT ON COLUMN audit.erasures.raw_rows IS 'Rows of raw that were rewritten';
COMMENT ON COLUMN audit.erasures.staging_rows IS 'Rows of staging that were rewritten';
COMMENT ON COLUMN audit.erasures.warehouse_rows IS 'Rows of dimension, facts and their helpers that were rewritten';
COMMENT ON COLUMN audit.erasures.audit_rows IS 'Rows of audit that were rewritten';

-- audit/erased_users.sql --------------------------------------------------------------------------

CREATE TABLE audit.erased_users (
    digest             bytea NOT NULL,
    salt               bytea NOT NULL,
    delivered_again_at timestamptz,
    rewriting          xid8,
    CONSTRAINT erased_users_pkey PRIMARY KEY (digest)
);
COMMENT ON TABLE audit.erased_users IS 'One row per erased user_id, as a digest: by it a later delivery of that user_id is known, and its rows become a guest''s. For the owner only: who can read it can try user_ids on it.';
COMMENT ON COLUMN audit.erased_users.digest IS 'SHA-256 of salt and user_id';
COMMENT ON COLUMN audit.erased_users.salt IS 'Random, made with the first erasure; the same in every row, so that a delivery is digested once';
COMMENT ON COLUMN audit.erased_users.delivered_again_at IS 'When a delivery last brought that user_id again; NULL if none did';
COMMENT ON COLUMN audit.erased_users.rewriting IS 'The transaction that rewrites raw for this user: while it runs raw._refuse_change lets its UPDATEs through. NULL when it has ended';

-- audit/routine_files.sql -------------------------------------------------------------------------

CREATE TABLE audit.routine_files (
    path       text        NOT NULL,
    sha256     text        NOT NULL,
    routines   text[]      NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT routine_files_pkey PRIMARY KEY (path)
);
COMMENT ON TABLE audit.routine_files IS 'One row per file of db/procedures: the text that this database runs';
COMMENT ON COLUMN audit.routine_files.path IS 'Below db/procedures';
COMMENT ON COLUMN audit.routine_files.sha256 IS 'Of its text, in hexadecimal';
COMMENT ON COLUMN audit.routine_files.routines IS 'Signatures that it made: what an upgrade drops when the file is gone';
COMMENT ON COLUMN audit.routine_files.applied_at IS 'When it was last applied';

-- warehouse/dim_date.sql --------------------------------------------------------------------------

CREATE TABLE warehouse.dim_date (
    date_id      integer NOT NULL,
    date         date    NOT NULL,
    day          integer NOT NULL,
    week         integer NOT NULL,
    month        integer NOT NULL,
    quarter      integer NOT NULL,
    year         integer NOT NULL,
    iso_year     integer NOT NULL,
    day_of_week  integer NOT NULL,
    day_of_year  integer NOT NULL,
    day_name     text    NOT NULL,
    month_name   text    NOT NULL,
    is_weekend   boolean NOT NULL,
    is_month_end boolean NOT NULL,
    CONSTRAINT dim_date_pkey PRIMARY KEY (date_id),
    CONSTRAINT dim_date_date_key UNIQUE (date)
);
COMMENT ON TABLE warehouse.dim_date IS 'One row per day, whole years';
COMMENT ON COLUMN warehouse.dim_date.date_id IS 'The day as a number: 20251219';
COMMENT ON COLUMN warehouse.dim_date.date IS 'The day (UTC)';
COMMENT ON COLUMN warehouse.dim_date.day IS 'Day of the month, 1 to 31';
COMMENT ON COLUMN warehouse.dim_date.week IS 'ISO week, 1 to 53; belongs to iso_year';
COMMENT ON COLUMN warehouse.dim_date.month IS '1 to 12';
COMMENT ON COLUMN warehouse.dim_date.quarter IS '1 to 4';
COMMENT ON COLUMN warehouse.dim_date.year IS 'Calendar year';
COMMENT ON COLUMN warehouse.dim_date.iso_year IS 'Year that the ISO week belongs to';
COMMENT ON COLUMN warehouse.dim_date.day_of_week IS 'ISO: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN warehouse.dim_date.day_of_year IS '1 to 366';
COMMENT ON COLUMN warehouse.dim_date.day_name IS 'In English: Monday';
COMMENT ON COLUMN warehouse.dim_date.month_name IS 'In English: January';
COMMENT ON COLUMN warehouse.dim_date.is_weekend IS 'Saturday or Sunday';
COMMENT ON COLUMN warehouse.dim_date.is_month_end IS 'Last day of its month';

-- warehouse/dim_user.sql --------------------------------------------------------------------------

CREATE TABLE warehouse.dim_user (
    user_id              text        COLLATE "C" NOT NULL,
    city                 text,
    signup_date          date,
    marketing_source     text,
    first_seen_at        timestamptz,
    last_seen_at         timestamptz,
    is_inferred          boolean     NOT NULL,
    attributes_order_ts  timestamptz,
    attributes_load_date date,
    attributes_order_id  text        COLLATE "C",
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dim_user_pkey PRIMARY KEY (user_id)
);
COMMENT ON TABLE warehouse.dim_user IS 'One row per user ever seen, in orders or events; (guest) stands for orders and events without one';
COMMENT ON COLUMN warehouse.dim_user.user_id IS 'Of the source';
COMMENT ON COLUMN warehouse.dim_user.city IS 'Of the user''s last order that carries any attribute';
COMMENT ON COLUMN warehouse.dim_user.signup_date IS 'Of the same order';
COMMENT ON COLUMN warehouse.dim_user.marketing_source IS 'Of the same order';
COMMENT ON COLUMN warehouse.dim_user.first_seen_at IS 'Time of the user''s first order or event';
COMMENT ON COLUMN warehouse.dim_user.last_seen_at IS 'Time of the user''s last order or event';
COMMENT ON COLUMN warehouse.dim_user.is_inferred IS 'true while no order has carried an attribute of the user';
COMMENT ON COLUMN warehouse.dim_user.attributes_order_ts IS 'Time of the order that the attributes are of';
COMMENT ON COLUMN warehouse.dim_user.attributes_load_date IS 'Load of that order';
COMMENT ON COLUMN warehouse.dim_user.attributes_order_id IS 'That order';
COMMENT ON COLUMN warehouse.dim_user.created_at IS 'When the row was made';
COMMENT ON COLUMN warehouse.dim_user.updated_at IS 'When the row last changed';

INSERT INTO warehouse.dim_user (user_id, is_inferred) VALUES ('(guest)', true);

-- warehouse/dim_product.sql -----------------------------------------------------------------------

CREATE TABLE warehouse.dim_product (
    product_id     text        COLLATE "C" NOT NULL,
    product_name   text,
    category       text,
    brand          text,
    current_price  numeric,
    effective_from date,
    is_inferred    boolean     NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dim_product_pkey PRIMARY KEY (product_id)
);
COMMENT ON TABLE warehouse.dim_product IS 'One row per product ever seen, as the newest catalogue that has it says; (none) stands for events without one';
COMMENT ON COLUMN warehouse.dim_product.product_id IS 'Of the source';
COMMENT ON COLUMN warehouse.dim_product.product_name IS 'As it is now';
COMMENT ON COLUMN warehouse.dim_product.category IS 'As it is now';
COMMENT ON COLUMN warehouse.dim_product.brand IS 'As it is now';
COMMENT ON COLUMN warehouse.dim_product.current_price IS 'Price of one piece as it is now, in the currency of the shop';
COMMENT ON COLUMN warehouse.dim_product.effective_from IS 'Day of the catalogue since which it is like this; NULL for an inferred product';
COMMENT ON COLUMN warehouse.dim_product.is_inferred IS 'true while no catalogue knows it: it was met in an order or event';
COMMENT ON COLUMN warehouse.dim_product.created_at IS 'When the row was made';
COMMENT ON COLUMN warehouse.dim_product.updated_at IS 'When the row last changed';

INSERT INTO warehouse.dim_product (product_id, is_inferred) VALUES ('(none)', true);

-- warehouse/dim_product_history.sql ---------------------------------------------------------------

CREATE TABLE warehouse.dim_product_history (
    product_id     text        COLLATE "C" NOT NULL,
    product_name   text,
    category       text,
    brand          text,
    current_price  numeric,
    effective_from date        NOT NULL,
    effective_to   date,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dim_product_history_pkey PRIMARY KEY (product_id, effective_from),
    CONSTRAINT dim_product_history_effective_to_check CHECK (effective_to > effective_from)
);
COMMENT ON TABLE warehouse.dim_product_history IS 'One row per version of a product (type 2). Versions of a product never overlap and leave no gap.';
COMMENT ON COLUMN warehouse.dim_product_history.product_id IS 'Of the source';
COMMENT ON COLUMN warehouse.dim_product_history.product_name IS 'In this version';
COMMENT ON COLUMN warehouse.dim_product_history.category IS 'In this version';
COMMENT ON COLUMN warehouse.dim_product_history.brand IS 'In this version';
COMMENT ON COLUMN warehouse.dim_product_history.current_price IS 'Price of one piece in this version';
COMMENT ON COLUMN warehouse.dim_product_history.effective_from IS 'Day of the first catalogue that says so';
COMMENT ON COLUMN warehouse.dim_product_history.effective_to IS 'Day of the catalogue that says otherwise, not included; NULL for the current version';
COMMENT ON COLUMN warehouse.dim_product_history.created_at IS 'When the row was made';
COMMENT ON COLUMN warehouse.dim_product_history.updated_at IS 'When the row last changed';

-- warehouse/user_loads.sql ------------------------------------------------------------------------

CREATE TABLE warehouse.user_loads (
    user_id             text        COLLATE "C" NOT NULL,
    load_date           date        NOT NULL,
    first_seen_at       timestamptz NOT NULL,
    last_seen_at        timestamptz NOT NULL,
    city                text,
    signup_date         date,
    marketing_source    text,
    attributes_order_ts timestamptz,
    attributes_order_id text        COLLATE "C",
    CONSTRAINT user_loads_pkey PRIMARY KEY (user_id, load_date)
);
CREATE INDEX idx_user_loads_load_date ON warehouse.user_loads (load_date);

COMMENT ON TABLE warehouse.user_loads IS 'One row per user and load: what that load says of the user. dim_user is the sum of these, whatever the order in which they came.';
COMMENT ON COLUMN warehouse.user_loads.user_id IS 'Of the source; (guest) for orders and events without one';
COMMENT ON COLUMN warehouse.user_loads.load_date IS 'Load';
COMMENT ON COLUMN warehouse.user_loads.first_seen_at IS 'Time of the user''s first order or event in this load';
COMMENT ON COLUMN warehouse.user_loads.last_seen_at IS 'Time of the user''s last order or event in this load';
COMMENT ON COLUMN warehouse.user_loads.city IS 'Of the last order in this load that carries any attribute';
COMMENT ON COLUMN warehouse.user_loads.signup_date IS 'Of the same order';
COMMENT ON COLUMN warehouse.user_loads.marketing_source IS 'Of the same order';
COMMENT ON COLUMN warehouse.user_loads.attributes_order_ts IS 'Time of that order; NULL if none carries any';
COMMENT ON COLUMN warehouse.user_loads.attributes_order_id IS 'That order';

-- warehouse/product_loads.sql ---------------------------------------------------------------------

CREATE TABLE warehouse.product_loads (
    product_id    text    COLLATE "C" NOT NULL,
    load_date     date    NOT NULL,
    in_catalogue  boolean NOT NULL,
    product_name  text,
    category      text,
    brand         text,
    current_price numeric,
    CONSTRAINT product_loads_pkey PRIMARY KEY (product_id, load_date)
);
CREATE INDEX idx_product_loads_load_date ON warehouse.product_loads (load_date);
CREATE INDEX idx_product_loads_catalogue ON warehouse.product_loads (product_id, load_date) WHERE in_catalogue;

COMMENT ON TABLE warehouse.product_loads IS 'One row per product and load that mentions it. dim_product and its history are the sum of these, whatever the order in which they came.';
COMMENT ON COLUMN warehouse.product_loads.product_id IS 'Of the source; (none) for events without one';
COMMENT ON COLUMN warehouse.product_loads.load_date IS 'Load';
COMMENT ON COLUMN warehouse.product_loads.in_catalogue IS 'true if the day''s catalogue has it, false if only orders or events do';
COMMENT ON COLUMN warehouse.product_loads.product_name IS 'As the catalogue says';
COMMENT ON COLUMN warehouse.product_loads.category IS 'As the catalogue says';
COMMENT ON COLUMN warehouse.product_loads.brand IS 'As the catalogue says';
COMMENT ON COLUMN warehouse.product_loads.current_price IS 'As the catalogue says';

-- warehouse/unseen_members.sql --------------------------------------------------------------------

CREATE TABLE warehouse.unseen_members (
    dimension text NOT NULL,
    member_id text COLLATE "C" NOT NULL,
    CONSTRAINT unseen_members_pkey PRIMARY KEY (dimension, member_id),
    CONSTRAINT unseen_members_dimension_check CHECK (dimension IN ('user', 'product'))
);
COMMENT ON TABLE warehouse.unseen_members IS 'One row per member that no load mentions any more, because the one that did was corrected. Facts may still point at it; compute_daily_metrics takes it away once none does.';
COMMENT ON COLUMN warehouse.unseen_members.dimension IS 'user or product';
COMMENT ON COLUMN warehouse.unseen_members.member_id IS 'user_id or product_id';

-- warehouse/order_statuses.sql --------------------------------------------------------------------

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

-- warehouse/fact_orders.sql -----------------------------------------------------------------------

CREATE TABLE warehouse.fact_orders (
    fact_orders_id    bigint NOT NULL,
    order_id          text COLLATE "C" NOT NULL,
    line_number       integer NOT NULL,
    user_id           text COLLATE "C" NOT NULL,
    product_id        text COLLATE "C" NOT NULL,
    date_id           integer NOT NULL,
    quantity          integer NOT NULL,
    unit_price        numeric NOT NULL,
    revenue           numeric NOT NULL,
    order_ts          timestamptz NOT NULL,
    status            text NOT NULL,
    load_date         date NOT NULL,
    staging_orders_id bigint NOT NULL,
    CONSTRAINT fact_orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES warehouse.dim_user (user_id),
    CONSTRAINT fact_orders_product_id_fkey FOREIGN KEY (product_id) REFERENCES warehouse.dim_product (product_id),
    CONSTRAINT fact_orders_date_id_fkey FOREIGN KEY (date_id) REFERENCES warehouse.dim_date (date_id)
) PARTITION BY RANGE (load_date);
CREATE UNIQUE INDEX idx_fact_orders_line ON warehouse.fact_orders (order_id, line_number, load_date);
CREATE INDEX idx_fact_orders_date_id ON warehouse.fact_orders (date_id);
CREATE INDEX idx_fact_orders_user_id ON warehouse.fact_orders (user_id);
-- Also what keeps taking away a product that nothing mentions any more from reading every fact.
CREATE INDEX idx_fact_orders_product_id ON warehouse.fact_orders (product_id);

COMMENT ON TABLE warehouse.fact_orders IS 'One row per order line. An order counts once, with the lines of the last load that has it: SUM(revenue) is right without a filter. Partitioned by load_date.';
COMMENT ON COLUMN warehouse.fact_orders.fact_orders_id IS 'staging_orders_id of the line: lineage is an equality';
COMMENT ON COLUMN warehouse.fact_orders.order_id IS 'Of the source';
COMMENT ON COLUMN warehouse.fact_orders.line_number IS 'Item of the order, from 1';
COMMENT ON COLUMN warehouse.fact_orders.user_id IS 'warehouse.dim_user; (guest) without one';
COMMENT ON COLUMN warehouse.fact_orders.product_id IS 'warehouse.dim_product';
COMMENT ON COLUMN warehouse.fact_orders.date_id IS 'Day on which the order was placed (UTC): warehouse.dim_date';
COMMENT ON COLUMN warehouse.fact_orders.quantity IS 'Pieces, above 0';
COMMENT ON COLUMN warehouse.fact_orders.unit_price IS 'Price of one piece in the currency of the shop';
COMMENT ON COLUMN warehouse.fact_orders.revenue IS 'quantity x unit_price, whatever the status';
COMMENT ON COLUMN warehouse.fact_orders.order_ts IS 'When the order was placed';
COMMENT ON COLUMN warehouse.fact_orders.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.fact_orders.load_date IS 'Load that the line is of: the last one that has the order';
COMMENT ON COLUMN warehouse.fact_orders.staging_orders_id IS 'Row of staging.orders_clean';

-- warehouse/fact_events.sql -----------------------------------------------------------------------

CREATE TABLE warehouse.fact_events (
    fact_events_id    bigint NOT NULL,
    event_id          text COLLATE "C" NOT NULL,
    user_id           text COLLATE "C" NOT NULL,
    product_id        text COLLATE "C" NOT NULL,
    date_id           integer NOT NULL,
    event_type        text NOT NULL,
    event_ts          timestamptz NOT NULL,
    load_date         date NOT NULL,
    staging_events_id bigint NOT NULL,
    CONSTRAINT fact_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES warehouse.dim_user (user_id),
    CONSTRAINT fact_events_product_id_fkey FOREIGN KEY (product_id) REFERENCES warehouse.dim_product (product_id),
    CONSTRAINT fact_events_date_id_fkey FOREIGN KEY (date_id) REFERENCES warehouse.dim_date (date_id)
) PARTITION BY RANGE (load_date);
CREATE UNIQUE INDEX idx_fact_events_event ON warehouse.fact_events (event_id, event_ts, load_date);
CREATE INDEX idx_fact_events_date_id ON warehouse.fact_events (date_id);
CREATE INDEX idx_fact_events_user_id ON warehouse.fact_events (user_id);
CREATE INDEX idx_fact_events_product_id ON warehouse.fact_events (product_id);

COMMENT ON TABLE warehouse.fact_events IS 'One row per event. An event counts once, in the last load that has it. Partitioned by load_date.';
COMMENT ON COLUMN warehouse.fact_events.fact_events_id IS 'staging_events_id of the event: lineage is an equality';
COMMENT ON COLUMN warehouse.fact_events.event_id IS 'Of the source';
COMMENT ON COLUMN warehouse.fact_events.user_id IS 'warehouse.dim_user; (guest) without one';
COMMENT ON COLUMN warehouse.fact_events.product_id IS 'warehouse.dim_product; (none) without one';
COMMENT ON COLUMN warehouse.fact_events.date_id IS 'Day on which it happened (UTC): warehouse.dim_date';
COMMENT ON COLUMN warehouse.fact_events.event_type IS 'Canonical type';
COMMENT ON COLUMN warehouse.fact_events.event_ts IS 'When it happened';
COMMENT ON COLUMN warehouse.fact_events.load_date IS 'Load that the event is of: the last one that has it';
COMMENT ON COLUMN warehouse.fact_events.staging_events_id IS 'Row of staging.events_clean';

-- warehouse/order_owners.sql ----------------------------------------------------------------------

CREATE TABLE warehouse.order_owners (
    order_id  text COLLATE "C" NOT NULL,
    load_date date NOT NULL,
    CONSTRAINT order_owners_pkey PRIMARY KEY (order_id)
);
COMMENT ON TABLE warehouse.order_owners IS 'One row per order in fact_orders: the load whose lines are in force, the last one that has a clean line of it';
COMMENT ON COLUMN warehouse.order_owners.order_id IS 'Of the source';
COMMENT ON COLUMN warehouse.order_owners.load_date IS 'Load whose lines are in fact_orders; those of earlier loads are in orders_superseded';

-- warehouse/orders_superseded.sql -----------------------------------------------------------------

CREATE TABLE warehouse.orders_superseded (
    fact_orders_id    bigint NOT NULL,
    order_id          text COLLATE "C" NOT NULL,
    line_number       integer NOT NULL,
    user_id           text COLLATE "C" NOT NULL,
    product_id        text COLLATE "C" NOT NULL,
    date_id           integer NOT NULL,
    quantity          integer NOT NULL,
    unit_price        numeric NOT NULL,
    revenue           numeric NOT NULL,
    order_ts          timestamptz NOT NULL,
    status            text NOT NULL,
    load_date         date NOT NULL,
    staging_orders_id bigint NOT NULL,
    CONSTRAINT orders_superseded_pkey PRIMARY KEY (order_id, load_date, line_number)
);
CREATE INDEX idx_orders_superseded_load_date ON warehouse.orders_superseded (load_date);

COMMENT ON TABLE warehouse.orders_superseded IS 'One row per order line of a load that a later load reported again. It comes back when that later load is corrected.';
COMMENT ON COLUMN warehouse.orders_superseded.fact_orders_id IS 'staging_orders_id of the line: lineage is an equality';
COMMENT ON COLUMN warehouse.orders_superseded.order_id IS 'Of the source';
COMMENT ON COLUMN warehouse.orders_superseded.line_number IS 'Item of the order, from 1';
COMMENT ON COLUMN warehouse.orders_superseded.user_id IS 'warehouse.dim_user; (guest) without one';
COMMENT ON COLUMN warehouse.orders_superseded.product_id IS 'warehouse.dim_product';
COMMENT ON COLUMN warehouse.orders_superseded.date_id IS 'Day on which the order was placed (UTC): warehouse.dim_date';
COMMENT ON COLUMN warehouse.orders_superseded.quantity IS 'Pieces, above 0';
COMMENT ON COLUMN warehouse.orders_superseded.unit_price IS 'Price of one piece in the currency of the shop';
COMMENT ON COLUMN warehouse.orders_superseded.revenue IS 'quantity x unit_price, whatever the status';
COMMENT ON COLUMN warehouse.orders_superseded.order_ts IS 'When the order was placed';
COMMENT ON COLUMN warehouse.orders_superseded.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.orders_superseded.load_date IS 'Load that the line is of: the last one that has the order';
COMMENT ON COLUMN warehouse.orders_superseded.staging_orders_id IS 'Row of staging.orders_clean';

-- warehouse/late_events.sql -----------------------------------------------------------------------

CREATE TABLE warehouse.late_events (
    event_id  text        COLLATE "C" NOT NULL,
    event_ts  timestamptz NOT NULL,
    load_date date        NOT NULL,
    CONSTRAINT late_events_pkey PRIMARY KEY (event_id, event_ts, load_date)
);
CREATE INDEX idx_late_events_load_date ON warehouse.late_events (load_date);
CREATE INDEX idx_late_events_event_ts ON warehouse.late_events (event_ts);
COMMENT ON TABLE warehouse.late_events IS 'One row per loaded event that came later than its own day (UTC). Only these can repeat an event of another load, so only these are compared.';
COMMENT ON COLUMN warehouse.late_events.event_id IS 'Of the source';
COMMENT ON COLUMN warehouse.late_events.event_ts IS 'When it happened';
COMMENT ON COLUMN warehouse.late_events.load_date IS 'Load that brought it';

-- warehouse/events_superseded.sql -----------------------------------------------------------------

CREATE TABLE warehouse.events_superseded (
    fact_events_id    bigint NOT NULL,
    event_id          text COLLATE "C" NOT NULL,
    user_id           text COLLATE "C" NOT NULL,
    product_id        text COLLATE "C" NOT NULL,
    date_id           integer NOT NULL,
    event_type        text NOT NULL,
    event_ts          timestamptz NOT NULL,
    load_date         date NOT NULL,
    staging_events_id bigint NOT NULL,
    CONSTRAINT events_superseded_pkey PRIMARY KEY (event_id, event_ts, load_date)
);
CREATE INDEX idx_events_superseded_load_date ON warehouse.events_superseded (load_date);

COMMENT ON TABLE warehouse.events_superseded IS 'One row per event of a load that a later load reported again. It comes back when that later load is corrected.';
COMMENT ON COLUMN warehouse.events_superseded.fact_events_id IS 'staging_events_id of the event: lineage is an equality';
COMMENT ON COLUMN warehouse.events_superseded.event_id IS 'Of the source';
COMMENT ON COLUMN warehouse.events_superseded.user_id IS 'warehouse.dim_user; (guest) without one';
COMMENT ON COLUMN warehouse.events_superseded.product_id IS 'warehouse.dim_product; (none) without one';
COMMENT ON COLUMN warehouse.events_superseded.date_id IS 'Day on which it happened (UTC): warehouse.dim_date';
COMMENT ON COLUMN warehouse.events_superseded.event_type IS 'Canonical type';
COMMENT ON COLUMN warehouse.events_superseded.event_ts IS 'When it happened';
COMMENT ON COLUMN warehouse.events_superseded.load_date IS 'Load that the event is of: the last one that has it';
COMMENT ON COLUMN warehouse.events_superseded.staging_events_id IS 'Row of staging.events_clean';

-- warehouse/daily_metrics.sql ---------------------------------------------------------------------

CREATE TABLE warehouse.daily_metrics (
    run_date                date        NOT NULL,
    status                  text        NOT NULL,
    raw_orders_count        bigint      NOT NULL DEFAULT 0,
    raw_order_lines_count   bigint      NOT NULL DEFAULT 0,
    raw_events_count        bigint      NOT NULL DEFAULT 0,
    staging_orders_count    bigint      NOT NULL DEFAULT 0,
    staging_events_count    bigint      NOT NULL DEFAULT 0,
    duplicate_orders_count  bigint      NOT NULL DEFAULT 0,
    duplicate_events_count  bigint      NOT NULL DEFAULT 0,
    rejected_orders_count   bigint      NOT NULL DEFAULT 0,
    rejected_events_count   bigint      NOT NULL DEFAULT 0,
    fact_orders_count       bigint      NOT NULL DEFAULT 0,
    fact_events_count       bigint      NOT NULL DEFAULT 0,
    superseded_orders_count bigint      NOT NULL DEFAULT 0,
    superseded_events_count bigint      NOT NULL DEFAULT 0,
    dq_failed_count         bigint      NOT NULL DEFAULT 0,
    revenue                 numeric     NOT NULL DEFAULT 0,
    net_revenue             numeric     NOT NULL DEFAULT 0,
    sale_statuses           text[]      NOT NULL DEFAULT '{}',
    runtime_seconds         numeric,
    rows_per_second         numeric,
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT daily_metrics_pkey PRIMARY KEY (run_date),
    CONSTRAINT daily_metrics_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'blocked'))
);
COMMENT ON TABLE warehouse.daily_metrics IS 'One row per day that was run, blocked and failed days too. Counts of orders are lines unless said otherwise.';
COMMENT ON COLUMN warehouse.daily_metrics.run_date IS 'Day';
COMMENT ON COLUMN warehouse.daily_metrics.status IS 'running, succeeded, failed or blocked: how its last run stands';
COMMENT ON COLUMN warehouse.daily_metrics.raw_orders_count IS 'Orders delivered, in the deliveries in force';
COMMENT ON COLUMN warehouse.daily_metrics.raw_order_lines_count IS 'Order lines delivered = staging + duplicate + rejected';
COMMENT ON COLUMN warehouse.daily_metrics.raw_events_count IS 'Events delivered = staging + duplicate + rejected';
COMMENT ON COLUMN warehouse.daily_metrics.staging_orders_count IS 'Clean order lines = fact + superseded, once the day is loaded';
COMMENT ON COLUMN warehouse.daily_metrics.staging_events_count IS 'Clean events = fact + superseded, once the day is loaded';
COMMENT ON COLUMN warehouse.daily_metrics.duplicate_orders_count IS 'Order lines of reports that a later one of the same day replaced';
COMMENT ON COLUMN warehouse.daily_metrics.duplicate_events_count IS 'Events that a later line of the same day replaced';
COMMENT ON COLUMN warehouse.daily_metrics.rejected_orders_count IS 'Order lines rejected: audit.bad_records';
COMMENT ON COLUMN warehouse.daily_metrics.rejected_events_count IS 'Events rejected: audit.bad_records';
COMMENT ON COLUMN warehouse.daily_metrics.fact_orders_count IS 'Order lines of this load in fact_orders';
COMMENT ON COLUMN warehouse.daily_metrics.fact_events_count IS 'Events of this load in fact_events';
COMMENT ON COLUMN warehouse.daily_metrics.superseded_orders_count IS 'Order lines of this load that a later load reported again';
COMMENT ON COLUMN warehouse.daily_metrics.superseded_events_count IS 'Events of this load that a later load reported again';
COMMENT ON COLUMN warehouse.daily_metrics.dq_failed_count IS 'Rows that break a rule, summed over the rules of the last judgement; a failed rule about the day counts 1';
COMMENT ON COLUMN warehouse.daily_metrics.revenue IS 'Sum of revenue of this load in fact_orders, whatever the status';
COMMENT ON COLUMN warehouse.daily_metrics.net_revenue IS 'The same, of statuses that count as a sale';
COMMENT ON COLUMN warehouse.daily_metrics.sale_statuses IS 'Statuses that net_revenue counts: those that counted as a sale when this load was last loaded';
COMMENT ON COLUMN warehouse.daily_metrics.runtime_seconds IS 'Seconds from the start of the last run to its end';
COMMENT ON COLUMN warehouse.daily_metrics.rows_per_second IS 'Order lines and events delivered per second of runtime';
COMMENT ON COLUMN warehouse.daily_metrics.created_at IS 'When the row was made';
COMMENT ON COLUMN warehouse.daily_metrics.updated_at IS 'When the row last changed';

-- warehouse/sales.sql -----------------------------------------------------------------------------

CREATE VIEW warehouse.sales AS
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
       f.load_date
FROM warehouse.fact_orders f
JOIN warehouse.order_statuses s ON s.status = f.status AND s.counts_as_sale
JOIN warehouse.dim_user u ON u.user_id = f.user_id
JOIN warehouse.dim_product p ON p.product_id = f.product_id;

COMMENT ON VIEW warehouse.sales IS 'One row per order line that counts as a sale: what was sold, to whom';
COMMENT ON COLUMN warehouse.sales.order_id IS 'Order';
COMMENT ON COLUMN warehouse.sales.line_number IS 'Item of the order, from 1';
COMMENT ON COLUMN warehouse.sales.date_id IS 'Day on which it was placed, as a number';
COMMENT ON COLUMN warehouse.sales.order_ts IS 'When it was placed';
COMMENT ON COLUMN warehouse.sales.status IS 'Canonical status';
COMMENT ON COLUMN warehouse.sales.user_id IS 'Customer; (guest) without one';
COMMENT ON COLUMN warehouse.sales.city IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.sales.marketing_source IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.sales.product_id IS 'Product';
COMMENT ON COLUMN warehouse.sales.product_name IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.sales.category IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.sales.brand IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.sales.quantity IS 'Pieces';
COMMENT ON COLUMN warehouse.sales.unit_price IS 'Price of one piece';
COMMENT ON COLUMN warehouse.sales.revenue IS 'quantity x unit_price';
COMMENT ON COLUMN warehouse.sales.load_date IS 'Load that the line is of';

-- warehouse/orders.sql ----------------------------------------------------------------------------

CREATE VIEW warehouse.orders AS
SELECT f.order_id,
       min(f.order_ts) AS ordered_at,
       (min(f.order_ts) AT TIME ZONE 'UTC')::date AS order_date,
       min(f.status) AS status,
       bool_or(s.counts_as_sale) AS counts_as_sale,
       min(f.user_id) AS user_id,
       count(*) AS lines,
       sum(f.quantity) AS pieces,
       sum(f.revenue) AS revenue,
       coalesce(sum(f.revenue) FILTER (WHERE s.counts_as_sale), 0) AS net_revenue,
       f.load_date AS reported_on
FROM warehouse.fact_orders f
JOIN warehouse.order_statuses s ON s.status = f.status
GROUP BY f.load_date, f.order_id;

COMMENT ON VIEW warehouse.orders IS 'One row per order, as it was last reported. Filter by reported_on or, for days on which they were placed, by warehouse.order_lines.date_id.';
COMMENT ON COLUMN warehouse.orders.order_id IS 'Order';
COMMENT ON COLUMN warehouse.orders.ordered_at IS 'When it was placed';
COMMENT ON COLUMN warehouse.orders.order_date IS 'Day on which it was placed (UTC)';
COMMENT ON COLUMN warehouse.orders.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.orders.counts_as_sale IS 'Whether net revenue counts it';
COMMENT ON COLUMN warehouse.orders.user_id IS 'Customer; (guest) without one';
COMMENT ON COLUMN warehouse.orders.lines IS 'Lines that the warehouse has of it; rejected ones are not among them';
COMMENT ON COLUMN warehouse.orders.pieces IS 'Sum of quantities';
COMMENT ON COLUMN warehouse.orders.revenue IS 'Sum of quantity x unit_price, whatever the status';
COMMENT ON COLUMN warehouse.orders.net_revenue IS 'The same if it counts as a sale, else 0';
COMMENT ON COLUMN warehouse.orders.reported_on IS 'Day of the delivery that last reported it';

-- warehouse/order_lines.sql -----------------------------------------------------------------------

CREATE VIEW warehouse.order_lines AS
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
       f.load_date AS reported_on
FROM warehouse.fact_orders f
JOIN warehouse.dim_date d ON d.date_id = f.date_id
JOIN warehouse.order_statuses s ON s.status = f.status
JOIN warehouse.dim_user u ON u.user_id = f.user_id
JOIN warehouse.dim_product p ON p.product_id = f.product_id
LEFT JOIN warehouse.dim_product_history h
       ON h.product_id = f.product_id AND d.date >= h.effective_from AND (d.date < h.effective_to OR h.effective_to IS NULL);

COMMENT ON VIEW warehouse.order_lines IS 'One row per order line, with its day, its customer as it is now, and its product as it was on the day of the order';
COMMENT ON COLUMN warehouse.order_lines.order_id IS 'Order';
COMMENT ON COLUMN warehouse.order_lines.line_number IS 'Item of the order, from 1';
COMMENT ON COLUMN warehouse.order_lines.date_id IS 'Day on which it was placed, as a number; filter by it';
COMMENT ON COLUMN warehouse.order_lines.order_date IS 'Day on which it was placed (UTC)';
COMMENT ON COLUMN warehouse.order_lines.day_name IS 'Its name';
COMMENT ON COLUMN warehouse.order_lines.is_weekend IS 'Whether it is a Saturday or Sunday';
COMMENT ON COLUMN warehouse.order_lines.ordered_at IS 'When it was placed';
COMMENT ON COLUMN warehouse.order_lines.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.order_lines.counts_as_sale IS 'Whether net revenue counts it';
COMMENT ON COLUMN warehouse.order_lines.user_id IS 'Customer; (guest) without one';
COMMENT ON COLUMN warehouse.order_lines.user_city IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.order_lines.user_marketing_source IS 'Of the customer, as it is now';
COMMENT ON COLUMN warehouse.order_lines.product_id IS 'Product';
COMMENT ON COLUMN warehouse.order_lines.product_name IS 'As the catalogue in force on that day says; before the first one, as the newest says';
COMMENT ON COLUMN warehouse.order_lines.category IS 'The same';
COMMENT ON COLUMN warehouse.order_lines.brand IS 'The same';
COMMENT ON COLUMN warehouse.order_lines.catalogue_price_then IS 'Price of one piece in the catalogue in force on that day; NULL before the first one';
COMMENT ON COLUMN warehouse.order_lines.quantity IS 'Pieces';
COMMENT ON COLUMN warehouse.order_lines.unit_price IS 'Price of one piece that was paid';
COMMENT ON COLUMN warehouse.order_lines.revenue IS 'quantity x unit_price, whatever the status';
COMMENT ON COLUMN warehouse.order_lines.net_revenue IS 'The same if it counts as a sale, else 0';
COMMENT ON COLUMN warehouse.order_lines.reported_on IS 'Day of the delivery that last reported the order';

-- warehouse/events.sql ----------------------------------------------------------------------------

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
       f.load_date AS reported_on
FROM warehouse.fact_events f
JOIN warehouse.dim_date d ON d.date_id = f.date_id
JOIN warehouse.dim_user u ON u.user_id = f.user_id
JOIN warehouse.dim_product p ON p.product_id = f.product_id;

COMMENT ON VIEW warehouse.events IS 'One row per event, with its day, its user and its product as they are now';
COMMENT ON COLUMN warehouse.events.event_id IS 'Of the source';
COMMENT ON COLUMN warehouse.events.event_type IS 'Canonical type: page_view, add_to_cart, purchase, …';
COMMENT ON COLUMN warehouse.events.date_id IS 'Day on which it happened, as a number; filter by it';
COMMENT ON COLUMN warehouse.events.event_date IS 'Day on which it happened (UTC)';
COMMENT ON COLUMN warehouse.events.happened_at IS 'When it happened';
COMMENT ON COLUMN warehouse.events.user_id IS 'User; (guest) without one';
COMMENT ON COLUMN warehouse.events.user_city IS 'Of the user, as it is now';
COMMENT ON COLUMN warehouse.events.user_marketing_source IS 'Of the user, as it is now';
COMMENT ON COLUMN warehouse.events.product_id IS 'Product; (none) without one';
COMMENT ON COLUMN warehouse.events.product_name IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.category IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.brand IS 'As the newest catalogue says';
COMMENT ON COLUMN warehouse.events.reported_on IS 'Day of the delivery';

-- warehouse/days.sql ------------------------------------------------------------------------------

CREATE VIEW warehouse.days AS
SELECT m.run_date AS day,
       m.status,
       m.raw_order_lines_count + m.raw_events_count AS delivered,
       m.staging_orders_count + m.staging_events_count AS clean,
       m.duplicate_orders_count + m.duplicate_events_count AS duplicate,
       m.rejected_orders_count + m.rejected_events_count AS rejected,
       m.superseded_orders_count + m.superseded_events_count AS superseded,
       m.fact_orders_count + m.fact_events_count AS in_facts,
       m.revenue,
       m.net_revenue,
       m.dq_failed_count AS quality_failures,
       m.runtime_seconds
FROM warehouse.daily_metrics m;

COMMENT ON VIEW warehouse.days IS 'One row per day that was run: what was delivered and what became of it, order lines and events together';
COMMENT ON COLUMN warehouse.days.day IS 'Day of the deliveries';
COMMENT ON COLUMN warehouse.days.status IS 'running, succeeded, failed or blocked: how its last run stands';
COMMENT ON COLUMN warehouse.days.delivered IS 'Lines delivered = clean + duplicate + rejected';
COMMENT ON COLUMN warehouse.days.clean IS 'Lines in staging = in_facts + superseded, once the day is loaded';
COMMENT ON COLUMN warehouse.days.duplicate IS 'Lines that a later report of the same day replaced';
COMMENT ON COLUMN warehouse.days.rejected IS 'Lines rejected: audit.bad_records';
COMMENT ON COLUMN warehouse.days.superseded IS 'Lines that the delivery of a later day reported again';
COMMENT ON COLUMN warehouse.days.in_facts IS 'Lines in the facts';
COMMENT ON COLUMN warehouse.days.revenue IS 'Of the lines in the facts, whatever the status';
COMMENT ON COLUMN warehouse.days.net_revenue IS 'The same, of statuses that count as a sale';
COMMENT ON COLUMN warehouse.days.quality_failures IS 'Rows that break a rule, summed over the rules; a failed rule about the day counts 1';
COMMENT ON COLUMN warehouse.days.runtime_seconds IS 'Seconds that the last run took';

-- audit/lineage.sql -------------------------------------------------------------------------------

CREATE VIEW audit.lineage AS
SELECT r.run_date AS load_date,
       l.file_name,
       r.line_number AS file_line_number,
       r.ingested_at,
       r.raw_orders_id,
       s.staging_orders_id,
       f.fact_orders_id,
       s.order_id,
       s.line_number,
       s.revenue
FROM staging.orders_clean s
JOIN raw.orders_json r ON r.raw_orders_id = s.raw_orders_id AND r.run_date = s.load_date
JOIN raw.file_loads l ON l.load_id = r.load_id
LEFT JOIN warehouse.fact_orders f
       ON f.order_id = s.order_id AND f.line_number = s.line_number AND f.load_date = s.load_date
      AND f.staging_orders_id = s.staging_orders_id;

COMMENT ON VIEW audit.lineage IS 'One row per clean order line: from the delivery to the fact, by equality of ids. Filter by load_date.';
COMMENT ON COLUMN audit.lineage.load_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.lineage.file_name IS 'Delivery';
COMMENT ON COLUMN audit.lineage.file_line_number IS 'Where in the file: line, or element of an array';
COMMENT ON COLUMN audit.lineage.ingested_at IS 'When it was loaded';
COMMENT ON COLUMN audit.lineage.raw_orders_id IS 'Row of raw.orders_json';
COMMENT ON COLUMN audit.lineage.staging_orders_id IS 'Row of staging.orders_clean';
COMMENT ON COLUMN audit.lineage.fact_orders_id IS 'Row of fact_orders; NULL while it is not loaded, or if a later load has the order';
COMMENT ON COLUMN audit.lineage.order_id IS 'Order';
COMMENT ON COLUMN audit.lineage.line_number IS 'Item of the order';
COMMENT ON COLUMN audit.lineage.revenue IS 'quantity x unit_price';

-- audit/health.sql --------------------------------------------------------------------------------

CREATE VIEW audit.health AS
WITH windows AS (
    SELECT w.days, now() - make_interval(days => w.days) AS since
    FROM (VALUES (7), (30)) AS w (days)
),
runs AS (
    SELECT w.days,
           count(r.run_id) AS runs,
           count(r.run_id) FILTER (WHERE r.status = 'succeeded') AS succeeded,
           count(r.run_id) FILTER (WHERE r.status = 'failed') AS failed,
           count(r.run_id) FILTER (WHERE r.status = 'blocked') AS blocked,
           count(r.run_id) FILTER (WHERE q.run_id IS NOT NULL) AS judged,
           count(r.run_id) FILTER (WHERE q.has_failure) AS with_failed_rule,
           max(EXTRACT(epoch FROM r.ended_at - r.started_at)) AS longest_seconds,
           sum(s.rows_in) / nullif(sum(EXTRACT(epoch FROM r.ended_at - r.started_at)) FILTER (WHERE s.run_id IS NOT NULL), 0) AS rows_per_second
    FROM windows w
    LEFT JOIN audit.pipeline_runs r ON r.started_at >= w.since
    LEFT JOIN (
        SELECT d.run_id, bool_or(NOT d.passed) AS has_failure FROM audit.dq_results d GROUP BY d.run_id
    ) AS q ON q.run_id = r.run_id
    LEFT JOIN (
        SELECT p.run_id, max(p.rows_in) AS rows_in FROM audit.pipeline_steps p
        WHERE p.step = 'compute_daily_metrics' AND p.status = 'succeeded'
        GROUP BY p.run_id
    ) AS s ON s.run_id = r.run_id
    GROUP BY w.days
),
deliveries AS (
    SELECT w.days, coalesce(sum(l.byte_count), 0) AS bytes, coalesce(sum(l.row_count + l.rejected_count), 0) AS records
    FROM windows w
    LEFT JOIN raw.file_loads l ON l.ingested_at >= w.since
    GROUP BY w.days
),
sizes AS (
    SELECT n.nspname, coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes
    FROM pg_namespace n
    LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'm')
    WHERE n.nspname IN ('raw', 'staging', 'warehouse', 'audit', 'marts')
    GROUP BY n.nspname
)
SELECT m.measure, r.days, m.value, m.unit
FROM runs r
JOIN deliveries d ON d.days = r.days
CROSS JOIN LATERAL (VALUES
    ('runs', r.runs::numeric, 'runs'),
    ('runs succeeded', round(100.0 * r.succeeded / nullif(r.runs, 0), 1), '%'),
    ('runs failed', round(100.0 * r.failed / nullif(r.runs, 0), 1), '%'),
    ('runs blocked', round(100.0 * r.blocked / nullif(r.runs, 0), 1), '%'),
    ('runs with a failed rule', round(100.0 * r.with_failed_rule / nullif(r.judged, 0), 1), '%'),
    ('longest run', round(r.longest_seconds, 1), 'seconds'),
    ('throughput', round(r.rows_per_second), 'rows per second'),
    ('records delivered', d.records, 'records'),
    ('growth of raw', d.bytes, 'bytes')
) AS m (measure, value, unit)
UNION ALL
SELECT 'size of ' || s.nspname, NULL, s.bytes, 'bytes'
FROM sizes s;

COMMENT ON VIEW audit.health IS 'One row per measure of the pipeline''s health, and window where it has one: how runs ended, how fast they were, what raw grew by, and how large each schema is';
COMMENT ON COLUMN audit.health.measure IS 'What is measured; growth of raw is what was delivered, unpacked; runs with a failed rule counts warnings too, as a share of the runs that the gate judged';
COMMENT ON COLUMN audit.health.days IS 'Over how many days until now; NULL for the size of a schema, which is as it is now';
COMMENT ON COLUMN audit.health.value IS 'The number; NULL if there is nothing to measure';
COMMENT ON COLUMN audit.health.unit IS 'runs, %, seconds, rows per second, records or bytes; bytes of a schema are with indexes and TOAST';

-- audit/alerts.sql --------------------------------------------------------------------------------

INSERT INTO audit.settings (name, value, description) VALUES
    ('alert_runtime_seconds', '5400', 'Seconds: audit.alerts names a day whose run took longer; NULL names none'),
    ('alert_dq_failed_rows', '100', 'Rows: audit.alerts names a day on which more of them broke a rule; NULL names none'),
    ('alert_raw_orders', '100', 'Orders: audit.alerts names a day on which fewer were delivered; NULL names none');

CREATE VIEW audit.alerts AS
WITH observations AS (
    SELECT m.run_date,
           o.alert,
           o.observed,
           o.setting,
           o.is_low,
           o.message
    FROM warehouse.daily_metrics m
    CROSS JOIN LATERAL (VALUES
        ('slow run', m.runtime_seconds, 'alert_runtime_seconds', false, 'the run of %s took %s s, more than %s'),
        ('quality failures', m.dq_failed_count::numeric, 'alert_dq_failed_rows', false, 'on %s %s rows broke a rule, more than %s'),
        ('low volume', m.raw_orders_count::numeric, 'alert_raw_orders', true, 'on %s %s orders were delivered, fewer than %s')
    ) AS o (alert, observed, setting, is_low, message)
)
SELECT o.run_date,
       o.alert,
       o.observed,
       s.value::numeric AS threshold,
       format(o.message, to_char(o.run_date, 'YYYY-MM-DD'), o.observed, s.value) AS message
FROM observations o
JOIN audit.settings s ON s.name = o.setting
WHERE CASE WHEN o.is_low THEN o.observed < s.value::numeric ELSE o.observed > s.value::numeric END;

COMMENT ON VIEW audit.alerts IS 'One row per alert of a day: a slow run, quality failures, low volume. Thresholds are in audit.settings; filter by run_date.';
COMMENT ON COLUMN audit.alerts.run_date IS 'Day';
COMMENT ON COLUMN audit.alerts.alert IS 'slow run, quality failures or low volume';
COMMENT ON COLUMN audit.alerts.observed IS 'What daily_metrics says: seconds, rows or orders';
COMMENT ON COLUMN audit.alerts.threshold IS 'What it was compared with, in the same unit';
COMMENT ON COLUMN audit.alerts.message IS 'The alert in words';

-- privileges.sql ----------------------------------------------------------------------------------

-- Who may do what with tables. Routines: db/procedures/privileges.sql. Partitions are reached through their
-- parents, so new ones need no grant.
GRANT USAGE ON SCHEMA raw TO warehouse_loader, warehouse_runner;
GRANT USAGE ON SCHEMA staging TO warehouse_runner, warehouse_checker;
GRANT USAGE ON SCHEMA warehouse TO warehouse_runner, warehouse_checker, warehouse_analyst;
GRANT USAGE ON SCHEMA audit TO warehouse_runner, warehouse_analyst;
GRANT USAGE, CREATE ON SCHEMA marts TO warehouse_analyst;
GRANT USAGE ON SCHEMA marts TO warehouse_runner;

GRANT INSERT ON raw.orders_json, raw.events_csv, raw.products_json, raw.rejected_lines TO warehouse_loader;
GRANT USAGE ON SEQUENCE raw.raw_orders_ids, raw.raw_events_ids, raw.raw_products_ids TO warehouse_loader;
GRANT SELECT ON raw.file_loads TO warehouse_loader;

GRANT SELECT ON ALL TABLES IN SCHEMA raw, staging, warehouse, audit TO warehouse_runner;
GRANT SELECT ON ALL TABLES IN SCHEMA staging, warehouse TO warehouse_checker;
GRANT SELECT ON ALL TABLES IN SCHEMA warehouse, audit TO warehouse_analyst;
-- Digests of those who asked to be forgotten: only for the routines that compare with them.
REVOKE ALL ON audit.erased_users FROM warehouse_runner, warehouse_analyst;


-- Money: line totals, discounts, tax, shipping, refunds and currencies; quantities that are not whole.

-- quantity gets another type, so everything that shows it is made anew. What others built on it cannot be taken along: they have
-- to say again what they want.
DO $dependents$
DECLARE
    v_views text;
BEGIN
    WITH RECURSIVE dependents AS (
        SELECT c.oid
        FROM pg_class c
        WHERE c.oid IN ('warehouse.fact_orders'::regclass, 'warehouse.orders_superseded'::regclass, 'staging.orders_clean'::regclass)
        UNION
        SELECT w.ev_class
        FROM dependents d
        JOIN pg_depend p ON p.refclassid = 'pg_class'::regclass AND p.refobjid = d.oid AND p.classid = 'pg_rewrite'::regclass
        JOIN pg_rewrite w ON w.oid = p.objid
    )
    SELECT string_agg(format('%I.%I of %I', n.nspname, c.relname, c.relowner::regrole::text), ', ' ORDER BY n.nspname, c.relname) INTO v_views
    FROM dependents d
    JOIN pg_class c ON c.oid = d.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('raw', 'staging', 'warehouse', 'audit');
    IF v_views IS NOT NULL THEN
        RAISE EXCEPTION 'views of others stand on the order lines, whose quantity changes from integer to numeric' USING ERRCODE = 'WH004',
            DETAIL = v_views,
            HINT = 'Keep their text (SELECT pg_get_viewdef(''marts.name'')), drop them, migrate, and make them again.';
    END IF;
END
$dependents$;

DROP VIEW warehouse.sales, warehouse.orders, warehouse.order_lines;
DROP VIEW IF EXISTS staging.order_facts;
DROP FUNCTION IF EXISTS staging._read_orders(date, text, date, bigint[], staging.fields[]), audit._order_lines(text), audit.order_story(text);
DELETE FROM audit.routine_files
WHERE path IN ('staging/_order_facts.sql', 'staging/_read_orders.sql', 'audit/_order_lines.sql', 'audit/order_story.sql');

ALTER TABLE staging.orders_clean
    ALTER COLUMN quantity TYPE numeric, ADD COLUMN discount numeric, ADD COLUMN tax numeric, ADD COLUMN shipping numeric,
    ADD COLUMN refunded numeric, ADD COLUMN currency text COLLATE "C", ADD COLUMN revenue_in_currency numeric;
ALTER TABLE warehouse.fact_orders
    ALTER COLUMN quantity TYPE numeric, ADD COLUMN discount numeric, ADD COLUMN tax numeric, ADD COLUMN shipping numeric,
    ADD COLUMN refunded numeric, ADD COLUMN currency text COLLATE "C", ADD COLUMN revenue_in_currency numeric;
ALTER TABLE warehouse.orders_superseded
    ALTER COLUMN quantity TYPE numeric, ADD COLUMN discount numeric, ADD COLUMN tax numeric, ADD COLUMN shipping numeric,
    ADD COLUMN refunded numeric, ADD COLUMN currency text COLLATE "C", ADD COLUMN revenue_in_currency numeric;
COMMENT ON COLUMN staging.orders_clean.quantity IS 'Pieces, or kilograms, metres, …: above 0; below it for a return, if the setting negative_lines lets it in';
COMMENT ON COLUMN staging.orders_clean.unit_price IS 'Price of one piece, as delivered; line_total / quantity where the source gives that. In the warehouse''s currency';
COMMENT ON COLUMN staging.orders_clean.revenue IS 'quantity x unit_price, or the source''s line_total, less discount; in the warehouse''s currency';
COMMENT ON COLUMN staging.orders_clean.discount IS 'What is taken off: the line''s own discount and its share of the order''s; NULL if the source says of none. In the warehouse''s currency, like all amounts here but one';
COMMENT ON COLUMN staging.orders_clean.tax IS 'Tax of the line: its own, and its share of what the order adds; NULL if the source says of none';
COMMENT ON COLUMN staging.orders_clean.shipping IS 'Its share of the order''s shipping; NULL if the source says of none';
COMMENT ON COLUMN staging.orders_clean.refunded IS 'Its share of what was paid back; NULL if the source says of none';
COMMENT ON COLUMN staging.orders_clean.currency IS 'Currency that the order is in, in upper case; the setting currency if it names none, and NULL without the setting';
COMMENT ON COLUMN staging.orders_clean.revenue_in_currency IS 'Revenue in the order''s own currency; NULL where currency is';
COMMENT ON COLUMN warehouse.fact_orders.quantity IS 'Pieces, or kilograms, metres, …; below 0 for a return';
COMMENT ON COLUMN warehouse.fact_orders.unit_price IS 'Price of one piece, in the warehouse''s currency';
COMMENT ON COLUMN warehouse.fact_orders.revenue IS 'quantity x unit_price, or the source''s line_total, less discount, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.fact_orders.discount IS 'What was taken off: the line''s own discount and its share of the order''s; NULL if the source says of none. In the warehouse''s currency, like all amounts but one';
COMMENT ON COLUMN warehouse.fact_orders.tax IS 'Tax of the line: its own, and its share of what the order adds; NULL if the source says of none';
COMMENT ON COLUMN warehouse.fact_orders.shipping IS 'Its share of the order''s shipping; not in revenue. NULL if the source says of none';
COMMENT ON COLUMN warehouse.fact_orders.refunded IS 'Its share of what was paid back; net revenue is less it. NULL if the source says of none';
COMMENT ON COLUMN warehouse.fact_orders.currency IS 'Currency that the order is in; NULL if nobody says: neither the order nor the setting currency';
COMMENT ON COLUMN warehouse.fact_orders.revenue_in_currency IS 'Revenue in the order''s own currency; NULL where currency is';
COMMENT ON COLUMN warehouse.orders_superseded.quantity IS 'Pieces, or kilograms, metres, …; below 0 for a return';
COMMENT ON COLUMN warehouse.orders_superseded.unit_price IS 'Price of one piece, in the warehouse''s currency';
COMMENT ON COLUMN warehouse.orders_superseded.revenue IS 'quantity x unit_price, or the source''s line_total, less discount, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.orders_superseded.discount IS 'What was taken off: the line''s own discount and its share of the order''s; NULL if the source says of none. In the warehouse''s currency, like all amounts but one';
COMMENT ON COLUMN warehouse.orders_superseded.tax IS 'Tax of the line: its own, and its share of what the order adds; NULL if the source says of none';
COMMENT ON COLUMN warehouse.orders_superseded.shipping IS 'Its share of the order''s shipping; not in revenue. NULL if the source says of none';
COMMENT ON COLUMN warehouse.orders_superseded.refunded IS 'Its share of what was paid back; net revenue is less it. NULL if the source says of none';
COMMENT ON COLUMN warehouse.orders_superseded.currency IS 'Currency that the order is in; NULL if nobody says: neither the order nor the setting currency';
COMMENT ON COLUMN warehouse.orders_superseded.revenue_in_currency IS 'Revenue in the order''s own currency; NULL where currency is';

ALTER TABLE warehouse.daily_metrics
    ADD COLUMN discount numeric NOT NULL DEFAULT 0, ADD COLUMN tax numeric NOT NULL DEFAULT 0,
    ADD COLUMN shipping numeric NOT NULL DEFAULT 0, ADD COLUMN refunded numeric NOT NULL DEFAULT 0;
COMMENT ON COLUMN warehouse.daily_metrics.revenue IS 'Sum of revenue of this load in fact_orders, whatever the status';
COMMENT ON COLUMN warehouse.daily_metrics.net_revenue IS 'The same, of statuses that count as a sale, less what was refunded of these';
COMMENT ON COLUMN warehouse.daily_metrics.discount IS 'Sum of discounts of this load in fact_orders, whatever the status; revenue is already less these';
COMMENT ON COLUMN warehouse.daily_metrics.tax IS 'Sum of taxes of this load in fact_orders, whatever the status';
COMMENT ON COLUMN warehouse.daily_metrics.shipping IS 'Sum of shipping of this load in fact_orders, whatever the status';
COMMENT ON COLUMN warehouse.daily_metrics.refunded IS 'Sum of what was paid back of this load in fact_orders, whatever the status';
ALTER TABLE staging.loads ADD COLUMN currencies text[];
COMMENT ON COLUMN staging.loads.currencies IS 'Of orders: the currencies that their amounts are in; more than one blocks the day. NULL if nobody says: neither an order nor the setting currency';

ALTER TYPE staging.delivery ADD ATTRIBUTE currencies text[];
COMMENT ON COLUMN staging.delivery.currencies IS 'Currencies that its amounts are in after cleaning; NULL if nobody says';
CREATE TYPE staging.order_item AS (
    product_id text,
    quantity   text,
    price      text,
    line_total text,
    discount   text,
    tax        text
);
COMMENT ON TYPE staging.order_item IS 'An item of an order as delivered, field by field';
COMMENT ON COLUMN staging.order_item.product_id IS 'As delivered';
COMMENT ON COLUMN staging.order_item.quantity IS 'As delivered';
COMMENT ON COLUMN staging.order_item.price IS 'As delivered';
COMMENT ON COLUMN staging.order_item.line_total IS 'As delivered';
COMMENT ON COLUMN staging.order_item.discount IS 'As delivered; of the item alone';
COMMENT ON COLUMN staging.order_item.tax IS 'As delivered; of the item alone';

CREATE TYPE staging.order_money AS (
    line_total text,
    discount   text,
    tax        text,
    shipping   text,
    refunded   text,
    currency   text
);
COMMENT ON TYPE staging.order_money IS 'What an order says of money beyond quantity and price, as delivered';
COMMENT ON COLUMN staging.order_money.line_total IS 'Of its only line, in the flat shape';
COMMENT ON COLUMN staging.order_money.discount IS 'Of the whole order';
COMMENT ON COLUMN staging.order_money.tax IS 'Of the whole order';
COMMENT ON COLUMN staging.order_money.shipping IS 'Of the whole order';
COMMENT ON COLUMN staging.order_money.refunded IS 'Of the whole order';
COMMENT ON COLUMN staging.order_money.currency IS 'Trimmed, in upper case';

CREATE TYPE staging.order_amounts AS (
    discount numeric,
    tax      numeric,
    shipping numeric,
    refunded numeric,
    digits   integer,
    problem  staging.problem
);
COMMENT ON TYPE staging.order_amounts IS 'Amounts of a whole order, to be shared by its lines';
COMMENT ON COLUMN staging.order_amounts.discount IS 'Besides what its lines say; NULL for none';
COMMENT ON COLUMN staging.order_amounts.tax IS 'Besides what its lines say; NULL for none';
COMMENT ON COLUMN staging.order_amounts.shipping IS 'What the customer pays for shipping; NULL for none';
COMMENT ON COLUMN staging.order_amounts.refunded IS 'What was paid back; NULL for none';
COMMENT ON COLUMN staging.order_amounts.digits IS 'Decimal places of the currency';
COMMENT ON COLUMN staging.order_amounts.problem IS 'What is wrong with one of them; NULL if nothing is';

CREATE TYPE staging.order_share AS (
    discount numeric,
    tax      numeric,
    shipping numeric,
    refunded numeric
);
COMMENT ON TYPE staging.order_share IS 'What an item has of the amounts of its order';
COMMENT ON COLUMN staging.order_share.discount IS 'NULL if the order has none';
COMMENT ON COLUMN staging.order_share.tax IS 'NULL if the order has none';
COMMENT ON COLUMN staging.order_share.shipping IS 'NULL if the order has none';
COMMENT ON COLUMN staging.order_share.refunded IS 'NULL if the order has none';

CREATE TYPE staging.line_money AS (
    line_total     text,
    discount       text,
    tax            text,
    discount_share numeric,
    tax_share      numeric,
    shipping       numeric,
    refunded       numeric,
    digits         integer,
    problem        staging.problem,
    currency       text,
    rate           numeric
);
COMMENT ON TYPE staging.line_money IS 'What a line and its order say of money beyond quantity and price';
COMMENT ON COLUMN staging.line_money.line_total IS 'As delivered, trimmed';
COMMENT ON COLUMN staging.line_money.discount IS 'Of the line alone, as delivered, trimmed';
COMMENT ON COLUMN staging.line_money.tax IS 'Of the line alone, as delivered, trimmed';
COMMENT ON COLUMN staging.line_money.discount_share IS 'Its share of the order''s; NULL for none';
COMMENT ON COLUMN staging.line_money.tax_share IS 'Its share of the order''s; NULL for none';
COMMENT ON COLUMN staging.line_money.shipping IS 'Its share; NULL for none';
COMMENT ON COLUMN staging.line_money.refunded IS 'Its share; NULL for none';
COMMENT ON COLUMN staging.line_money.digits IS 'Decimal places of the currency; NULL if nothing was shared';
COMMENT ON COLUMN staging.line_money.problem IS 'What is wrong with an amount of the whole order; NULL if nothing is';
COMMENT ON COLUMN staging.line_money.currency IS 'Of the order, in upper case; NULL if it names none';
COMMENT ON COLUMN staging.line_money.rate IS 'What one unit of that is worth in the warehouse''s currency; NULL if it is that, 0 if nobody knows';

CREATE TYPE staging.line_price AS (
    unit_price          numeric,
    revenue             numeric,
    discount            numeric,
    tax                 numeric,
    shipping            numeric,
    refunded            numeric,
    revenue_in_currency numeric,
    is_discount_above   boolean
);
COMMENT ON TYPE staging.line_price IS 'What a line is worth, in the warehouse''s currency';
COMMENT ON COLUMN staging.line_price.unit_price IS 'Price of one piece';
COMMENT ON COLUMN staging.line_price.revenue IS 'Less discount';
COMMENT ON COLUMN staging.line_price.discount IS 'Its own and its share; NULL for none';
COMMENT ON COLUMN staging.line_price.tax IS 'Its own and its share; NULL for none';
COMMENT ON COLUMN staging.line_price.shipping IS 'NULL for none';
COMMENT ON COLUMN staging.line_price.refunded IS 'NULL for none';
COMMENT ON COLUMN staging.line_price.revenue_in_currency IS 'Revenue in the order''s own currency';
COMMENT ON COLUMN staging.line_price.is_discount_above IS 'Its discounts are more than it costs';

ALTER TYPE staging.order_line
    ADD ATTRIBUTE money staging.line_money, ADD ATTRIBUTE is_discount_above boolean, ADD ATTRIBUTE takes_negative boolean;
COMMENT ON COLUMN staging.order_line.money IS 'What it and its order say of money beyond quantity and price; NULL if they say nothing';
COMMENT ON COLUMN staging.order_line.is_discount_above IS 'Its discounts are more than it costs';
COMMENT ON COLUMN staging.order_line.takes_negative IS 'Lines below zero count: the setting negative_lines';

CREATE TABLE warehouse.exchange_rates (
    currency   text COLLATE "C" NOT NULL,
    valid_from date NOT NULL,
    rate       numeric NOT NULL,
    CONSTRAINT exchange_rates_pkey PRIMARY KEY (currency, valid_from),
    -- Cleaning looks a currency up trimmed and in upper case: a row written otherwise would never be found.
    CONSTRAINT exchange_rates_currency_check CHECK (currency = upper(btrim(currency)) AND currency <> ''),
    CONSTRAINT exchange_rates_rate_check CHECK (rate > 0 AND rate < 1e15)
);
COMMENT ON TABLE warehouse.exchange_rates IS 'One row per currency and day from which a rate holds. Order lines in another currency than the setting currency are converted at the rate of the day on which the order was placed. After a change, the days that used the rate work again.';
COMMENT ON COLUMN warehouse.exchange_rates.currency IS 'Currency of orders, in upper case: JPY';
COMMENT ON COLUMN warehouse.exchange_rates.valid_from IS 'First day on which it holds, until the next row of the currency';
COMMENT ON COLUMN warehouse.exchange_rates.rate IS 'What one unit of it is worth in the warehouse''s currency: 0.0061 for yen in euros';

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
       f.load_date,
       f.attributes,
       f.discount,
       f.tax,
       f.shipping,
       f.refunded,
       f.revenue - coalesce(f.refunded, 0) AS net_revenue,
       f.currency,
       f.revenue_in_currency
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
COMMENT ON COLUMN warehouse.sales.quantity IS 'Pieces, or kilograms, metres, …; below 0 for a return';
COMMENT ON COLUMN warehouse.sales.unit_price IS 'Price of one piece';
COMMENT ON COLUMN warehouse.sales.revenue IS 'What it was sold for: quantity x unit_price, or the source''s line_total, less discount';
COMMENT ON COLUMN warehouse.sales.load_date IS 'Load that the line is of';
COMMENT ON COLUMN warehouse.sales.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none';
COMMENT ON COLUMN warehouse.sales.discount IS 'What was taken off, already less in revenue; NULL if the source says of none';
COMMENT ON COLUMN warehouse.sales.tax IS 'Tax of the line; whether revenue contains it is as the shop''s prices do';
COMMENT ON COLUMN warehouse.sales.shipping IS 'Its share of the order''s shipping; not in revenue';
COMMENT ON COLUMN warehouse.sales.refunded IS 'Its share of what was paid back; NULL if the source says of nothing';
COMMENT ON COLUMN warehouse.sales.net_revenue IS 'revenue less refunded: what was sold and kept';
COMMENT ON COLUMN warehouse.sales.currency IS 'Currency that the order is in; the amounts are in the warehouse''s currency';
COMMENT ON COLUMN warehouse.sales.revenue_in_currency IS 'Revenue in the order''s own currency';

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
       coalesce(sum(f.revenue - coalesce(f.refunded, 0)) FILTER (WHERE s.counts_as_sale), 0) AS net_revenue,
       f.load_date AS reported_on,
       sum(f.discount) AS discount,
       sum(f.tax) AS tax,
       sum(f.shipping) AS shipping,
       sum(f.refunded) AS refunded,
       min(f.currency) AS currency,
       sum(f.revenue_in_currency) AS revenue_in_currency
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
COMMENT ON COLUMN warehouse.orders.revenue IS 'What its lines are worth, less discounts, whatever the status';
COMMENT ON COLUMN warehouse.orders.net_revenue IS 'The same less refunded if it counts as a sale, else 0';
COMMENT ON COLUMN warehouse.orders.reported_on IS 'Day of the delivery that last reported it';
COMMENT ON COLUMN warehouse.orders.discount IS 'What was taken off, already less in revenue; NULL if the source says of none';
COMMENT ON COLUMN warehouse.orders.tax IS 'Tax of the order; whether revenue contains it is as the shop''s prices do';
COMMENT ON COLUMN warehouse.orders.shipping IS 'What the customer paid for shipping; not in revenue';
COMMENT ON COLUMN warehouse.orders.refunded IS 'What was paid back; NULL if the source says of nothing';
COMMENT ON COLUMN warehouse.orders.currency IS 'Currency that the order is in; the amounts are in the warehouse''s currency';
COMMENT ON COLUMN warehouse.orders.revenue_in_currency IS 'Revenue in the order''s own currency';

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
       CASE WHEN s.counts_as_sale THEN f.revenue - coalesce(f.refunded, 0) ELSE 0 END AS net_revenue,
       f.load_date AS reported_on,
       f.attributes,
       f.discount,
       f.tax,
       f.shipping,
       f.refunded,
       f.currency,
       f.revenue_in_currency
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
COMMENT ON COLUMN warehouse.order_lines.quantity IS 'Pieces, or kilograms, metres, …; below 0 for a return';
COMMENT ON COLUMN warehouse.order_lines.unit_price IS 'Price of one piece that was paid';
COMMENT ON COLUMN warehouse.order_lines.revenue IS 'quantity x unit_price, or the source''s line_total, less discount, whatever the status';
COMMENT ON COLUMN warehouse.order_lines.net_revenue IS 'The same less refunded if it counts as a sale, else 0';
COMMENT ON COLUMN warehouse.order_lines.reported_on IS 'Day of the delivery that last reported the order';
COMMENT ON COLUMN warehouse.order_lines.attributes IS 'Custom fields, by name: attributes ->> ''gift''; NULL if there are none';
COMMENT ON COLUMN warehouse.order_lines.discount IS 'What was taken off, already less in revenue; NULL if the source says of none';
COMMENT ON COLUMN warehouse.order_lines.tax IS 'Tax of the line; whether revenue contains it is as the shop''s prices do';
COMMENT ON COLUMN warehouse.order_lines.shipping IS 'Its share of the order''s shipping; not in revenue';
COMMENT ON COLUMN warehouse.order_lines.refunded IS 'Its share of what was paid back; NULL if the source says of nothing';
COMMENT ON COLUMN warehouse.order_lines.currency IS 'Currency that the order is in; the amounts are in the warehouse''s currency';
COMMENT ON COLUMN warehouse.order_lines.revenue_in_currency IS 'Revenue in the order''s own currency';

CREATE OR REPLACE VIEW warehouse.days AS
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
       m.runtime_seconds,
       m.discount,
       m.tax,
       m.shipping,
       m.refunded
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
COMMENT ON COLUMN warehouse.days.net_revenue IS 'The same, of statuses that count as a sale, less what was refunded of these';
COMMENT ON COLUMN warehouse.days.quality_failures IS 'Rows that break a rule, summed over the rules; a failed rule about the day counts 1';
COMMENT ON COLUMN warehouse.days.runtime_seconds IS 'Seconds that the last run took';
COMMENT ON COLUMN warehouse.days.discount IS 'Of the lines in the facts, whatever the status; revenue is already less these';
COMMENT ON COLUMN warehouse.days.tax IS 'Of the lines in the facts, whatever the status';
COMMENT ON COLUMN warehouse.days.shipping IS 'Of the lines in the facts, whatever the status';
COMMENT ON COLUMN warehouse.days.refunded IS 'Paid back of the lines in the facts, whatever the status';

COMMENT ON COLUMN audit.lineage.revenue IS 'Of the line, in the warehouse''s currency';
COMMENT ON COLUMN audit.day_statuses.revenue IS 'Of these lines';
COMMENT ON COLUMN audit.day_health.net_revenue IS 'Revenue of the statuses that count as a sale, less what was refunded of it; NULL while it is not run';

ALTER TABLE audit.settings DROP CONSTRAINT settings_value_check;
ALTER TABLE audit.settings ADD CONSTRAINT settings_value_check CHECK (value IS NULL OR value ~ CASE name WHEN 'currency' THEN '^[A-Z]{3}$' ELSE '^[0-9]{1,9}$' END);
COMMENT ON COLUMN audit.settings.value IS 'A whole number, or what the description says; NULL is off';
INSERT INTO audit.settings (name, value, description) VALUES
    ('currency', NULL, 'Currency of the warehouse: three capital letters. Orders in another one are converted by warehouse.exchange_rates. NULL: amounts are as delivered, and a day in two currencies is blocked'),
    ('negative_lines', NULL, '1: order lines below zero (returns, discounts) count; NULL or 0: they are rejected');

ALTER TABLE audit.steps DROP CONSTRAINT steps_inputs_check;
ALTER TABLE audit.steps ADD CONSTRAINT steps_inputs_check CHECK (inputs <@ ARRAY['codes', 'fields', 'order statuses', 'deliveries', 'staging', 'staging of orders',
                                                         'staging of events', 'rules', 'overrides', 'figures', 'unseen members', 'rates']);
UPDATE audit.steps SET inputs = '{codes,fields,order statuses,deliveries,rates}' WHERE step = 'clean_orders';

COMMENT ON COLUMN staging.fields.kind IS 'id (at most 512 bytes), text, code, quantity (above 0), money (at least 0, below 1e15), time or date (ISO 8601)';
UPDATE staging.fields SET description = 'Pieces, or kilograms, metres, …: a number above 0, at most 2,147,483,647'
WHERE source = 'orders' AND field = 'quantity' AND description = 'Pieces, at most 2,147,483,647';
UPDATE staging.fields SET description = 'Of one piece; not needed with line_total'
WHERE source = 'orders' AND field = 'price' AND description = 'Of one piece, in the currency of the shop';
-- A custom field of that name becomes the column: it is no longer in attributes.
INSERT INTO staging.fields (source, field, place, kind, is_required, is_personal, on_fault, description, column_name) VALUES
    ('orders', 'line_total', 'line', 'money', false, false, 'reject', 'What the line costs, where the source knows better than quantity x price; before discounts', 'revenue'),
    ('orders', 'discount', 'line', 'money', false, false, 'reject', 'What is taken off: in an item of that item, in the order of the whole order, shared by its lines', 'discount'),
    ('orders', 'tax', 'line', 'money', false, false, 'reject', 'Tax: in an item of that item, in the order what the items do not say, shared by its lines', 'tax'),
    ('orders', 'shipping', 'order', 'money', false, false, 'reject', 'What the customer pays for shipping; shared by the lines', 'shipping'),
    ('orders', 'refunded', 'order', 'money', false, false, 'reject', 'What was paid back so far; shared by the lines', 'refunded'),
    ('orders', 'currency', 'order', 'code', false, false, 'reject', 'Currency of all its amounts: ISO 4217, in any case; the warehouse''s if it names none', 'currency')
ON CONFLICT ON CONSTRAINT fields_pkey DO UPDATE
SET place = excluded.place, kind = excluded.kind, is_required = excluded.is_required, is_personal = excluded.is_personal, on_fault = excluded.on_fault,
    description = excluded.description, column_name = excluded.column_name;

-- A rule that somebody edited stays.
UPDATE audit.dq_rules
SET expression = '(quantity > 0 AND unit_price >= 0 OR (SELECT staging.takes_negative_lines())) AND (revenue = quantity * unit_price OR abs(quantity * unit_price - coalesce(discount, 0) - revenue) <= 0.000001 * abs(quantity) + CASE WHEN currency <> (SELECT l.currencies[1] FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date = $1) THEN 1 ELSE 0 END) AND (order_ts AT TIME ZONE ''UTC'')::date BETWEEN (SELECT staging.oldest_date($1)) AND $1'
WHERE rule_name = 'orders_range'
  AND expression = 'quantity > 0 AND unit_price >= 0 AND revenue = quantity * unit_price AND (order_ts AT TIME ZONE ''UTC'')::date BETWEEN (SELECT staging.oldest_date($1)) AND $1';
INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, min_value, max_value, severity, sample, description) VALUES
    ('orders_currencies', 'codes', 'staging.orders_clean',
     'currency IS NULL OR currency = (SELECT l.currencies[1] FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date = $1) OR (SELECT l.currencies[2] IS NULL FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date = $1)',
     NULL, NULL, 'critical', 'currency',
     'All amounts of the day are in one currency; the sample names the others. Say which one the warehouse has: UPDATE audit.settings SET value = ''EUR'' WHERE name = ''currency'', with rates in warehouse.exchange_rates.'),
    ('orders_prices', 'range', 'staging.orders_clean', 'scale(unit_price) <= 6', NULL, NULL, 'warning', 'order_id',
     'Prices have at most six decimal places. More come from a program that keeps money in binary fractions: 14.309999999999999. They are kept as delivered; have the source mended.')
ON CONFLICT ON CONSTRAINT dq_rules_pkey DO NOTHING;

GRANT SELECT ON warehouse.exchange_rates, warehouse.sales, warehouse.orders, warehouse.order_lines TO warehouse_runner, warehouse_checker, warehouse_analyst;

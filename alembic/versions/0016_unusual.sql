-- Unusual days as rules: profiles of days, what is usual, codes and fields that are new or gone.

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

CREATE TABLE audit.day_profile (
    run_date date    NOT NULL,
    measure  text    NOT NULL,
    kind     text    NOT NULL,
    value    numeric NOT NULL,
    of       numeric,
    CONSTRAINT day_profile_pkey PRIMARY KEY (run_date, measure),
    CONSTRAINT day_profile_measure_fkey FOREIGN KEY (measure) REFERENCES audit.measures (measure),
    CONSTRAINT day_profile_kind_check CHECK (kind IN ('count', 'money', 'share'))
);
-- What is usual is asked of one measure over weeks.
CREATE INDEX idx_day_profile_measure ON audit.day_profile (measure, run_date);

COMMENT ON TABLE audit.day_profile IS 'One row per day and measure: what the day''s deliveries amount to. Written by the cleaning steps, from clean rows; a day that is cleaned again is measured again.';
COMMENT ON COLUMN audit.day_profile.run_date IS 'Day of the deliveries';
COMMENT ON COLUMN audit.day_profile.measure IS 'audit.measures';
COMMENT ON COLUMN audit.day_profile.kind IS 'count, money or share, as audit.measures says';
COMMENT ON COLUMN audit.day_profile.value IS 'Number, amount in the warehouse''s currency, or share from 0 to 1';
COMMENT ON COLUMN audit.day_profile.of IS 'Of a share: of how many. NULL otherwise';

CREATE TABLE audit.day_codes (
    run_date date   NOT NULL,
    kind     text   NOT NULL,
    code     text   COLLATE "C" NOT NULL,
    rows     bigint NOT NULL,
    CONSTRAINT day_codes_pkey PRIMARY KEY (run_date, kind, code),
    CONSTRAINT day_codes_kind_check
        CHECK (kind IN ('order_status', 'event_type', 'currency', 'orders field', 'events field', 'products field'))
);
-- Whether a code is new is asked of its kind over weeks.
CREATE INDEX idx_day_codes_kind ON audit.day_codes (kind, run_date);

COMMENT ON TABLE audit.day_codes IS 'One row per day and code or field that its deliveries have. Written by the cleaning steps; a day that is cleaned again is looked at again.';
COMMENT ON COLUMN audit.day_codes.run_date IS 'Day of the deliveries';
COMMENT ON COLUMN audit.day_codes.kind IS 'order_status, event_type, currency (codes of clean rows); orders field, events field, products field (names in records)';
COMMENT ON COLUMN audit.day_codes.code IS 'Canonical code, or name of the field: user.city is the field city in the object user';
COMMENT ON COLUMN audit.day_codes.rows IS 'Clean rows with the code; of a field: records with a value in it, of those looked at (the first 100 of each file)';

CREATE TABLE audit.profile_digests (
    run_date date NOT NULL,
    source   text NOT NULL,
    digest   text NOT NULL,
    CONSTRAINT profile_digests_pkey PRIMARY KEY (run_date, source),
    CONSTRAINT profile_digests_source_fkey FOREIGN KEY (source) REFERENCES raw.sources (source)
);
COMMENT ON TABLE audit.profile_digests IS 'One row per day and source: what audit.day_profile and audit.day_codes hold of it, as one digest. A verdict of the gate is judged again when one of its weeks changes.';
COMMENT ON COLUMN audit.profile_digests.run_date IS 'Day of the deliveries';
COMMENT ON COLUMN audit.profile_digests.source IS 'orders, events or products';
COMMENT ON COLUMN audit.profile_digests.digest IS 'SHA-256';

CREATE TABLE audit.expected_days (
    from_date date NOT NULL,
    to_date   date NOT NULL,
    reason    text NOT NULL,
    CONSTRAINT expected_days_pkey PRIMARY KEY (from_date, to_date),
    CONSTRAINT expected_days_dates_check CHECK (from_date BETWEEN date '1900-01-01' AND to_date AND to_date <= date '2999-12-31'),
    CONSTRAINT expected_days_reason_check CHECK (btrim(reason) <> '')
);
COMMENT ON TABLE audit.expected_days IS 'One row per time that is known to be unusual: a sale, a strike, a holiday. audit.unusual neither judges these days nor takes them for usual.';
COMMENT ON COLUMN audit.expected_days.from_date IS 'First day';
COMMENT ON COLUMN audit.expected_days.to_date IS 'Last day; the same for one day';
COMMENT ON COLUMN audit.expected_days.reason IS 'Why, in words: messages name it';

ALTER TABLE audit.dq_rules ADD COLUMN words text;
COMMENT ON COLUMN audit.dq_rules.words IS 'Of a rule with thresholds: SQL text, $1 is the load_date, that its message says in place of "observed 5, allowed at most 4"; an aggregate or scalar like the expression. NULL: the numbers';

-- A rule of yours with one of these names stays as it is.
INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, min_value, max_value, severity, sample, description, words) VALUES
    ('orders_unusual', 'unusual', NULL, 'audit.unusual(''orders'', $1)', -4, 4, 'warning', NULL,
     'Orders are not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise, by 20 % at least. SELECT * FROM audit.usual_value(''orders'', date).',
     'audit.unusual_words(''orders'', $1)'),
    ('users_ordering_unusual', 'unusual', NULL, 'audit.unusual(''users_ordering'', $1)', -4, 4, 'warning', NULL,
     'Users with an order are not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise, by 20 % at least. SELECT * FROM audit.usual_value(''users_ordering'', date).',
     'audit.unusual_words(''users_ordering'', $1)'),
    ('products_ordered_unusual', 'unusual', NULL, 'audit.unusual(''products_ordered'', $1)', -4, 4, 'warning', NULL,
     'Different products ordered are not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise, by 20 % at least. SELECT * FROM audit.usual_value(''products_ordered'', date).',
     'audit.unusual_words(''products_ordered'', $1)'),
    ('net_revenue_unusual', 'unusual', NULL, 'audit.unusual(''net_revenue'', $1)', -4, 4, 'warning', NULL,
     'Net revenue as delivered on the day is not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise, by 20 % at least. SELECT * FROM audit.usual_value(''net_revenue'', date).',
     'audit.unusual_words(''net_revenue'', $1)'),
    ('basket_unusual', 'unusual', NULL, 'audit.unusual(''basket'', $1)', -4, 4, 'warning', NULL,
     'Net revenue per order is not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise, by 20 % at least. SELECT * FROM audit.usual_value(''basket'', date).',
     'audit.unusual_words(''basket'', $1)'),
    ('events_unusual', 'unusual', NULL, 'audit.unusual(''events'', $1)', -4, 4, 'warning', NULL,
     'Events are not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise, by 20 % at least. SELECT * FROM audit.usual_value(''events'', date).',
     'audit.unusual_words(''events'', $1)'),
    ('conversion_unusual', 'unusual', NULL, 'audit.unusual(''conversion'', $1)', -4, 4, 'warning', NULL,
     'Purchases per product view are not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise. SELECT * FROM audit.usual_value(''conversion'', date).',
     'audit.unusual_words(''conversion'', $1)'),
    ('orders_without_user_unusual', 'unusual', NULL, 'audit.unusual(''orders_without_user'', $1)', -4, 4, 'warning', NULL,
     'The share of orders without a user is not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise. SELECT * FROM audit.usual_value(''orders_without_user'', date).',
     'audit.unusual_words(''orders_without_user'', $1)'),
    ('orders_without_city_unusual', 'unusual', NULL, 'audit.unusual(''orders_without_city'', $1)', -4, 4, 'warning', NULL,
     'The share of orders without a city is not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise. SELECT * FROM audit.usual_value(''orders_without_city'', date).',
     'audit.unusual_words(''orders_without_city'', $1)'),
    ('orders_without_source_unusual', 'unusual', NULL, 'audit.unusual(''orders_without_source'', $1)', -4, 4, 'warning', NULL,
     'The share of orders without a marketing source is not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise. SELECT * FROM audit.usual_value(''orders_without_source'', date).',
     'audit.unusual_words(''orders_without_source'', $1)'),
    ('orders_after_18_unusual', 'unusual', NULL, 'audit.unusual(''orders_after_18'', $1)', -4, 4, 'warning', NULL,
     'The share of orders after 18:00 is not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise. SELECT * FROM audit.usual_value(''orders_after_18'', date).',
     'audit.unusual_words(''orders_after_18'', $1)'),
    ('events_without_user_unusual', 'unusual', NULL, 'audit.unusual(''events_without_user'', $1)', -4, 4, 'warning', NULL,
     'The share of events without a user is not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise. SELECT * FROM audit.usual_value(''events_without_user'', date).',
     'audit.unusual_words(''events_without_user'', $1)'),
    ('events_without_product_unusual', 'unusual', NULL, 'audit.unusual(''events_without_product'', $1)', -4, 4, 'warning', NULL,
     'The share of events without a product is not far from what is usual on its weekday in the eight weeks before: at most 4 times the noise. SELECT * FROM audit.usual_value(''events_without_product'', date).',
     'audit.unusual_words(''events_without_product'', $1)'),
    ('orders_week_unusual', 'unusual', NULL, 'audit.unusual(''orders_week'', $1)', -4, 4, 'warning', NULL,
     'The orders of seven days are not far from what is usual on the weeks before: at most 4 times the noise, by 20 % at least. SELECT * FROM audit.usual_value(''orders_week'', date).',
     'audit.unusual_words(''orders_week'', $1)'),
    ('net_revenue_week_unusual', 'unusual', NULL, 'audit.unusual(''net_revenue_week'', $1)', -4, 4, 'warning', NULL,
     'The net revenue of seven days is not far from what is usual on the weeks before: at most 4 times the noise, by 20 % at least. SELECT * FROM audit.usual_value(''net_revenue_week'', date).',
     'audit.unusual_words(''net_revenue_week'', $1)'),
    ('events_week_unusual', 'unusual', NULL, 'audit.unusual(''events_week'', $1)', -4, 4, 'warning', NULL,
     'The events of seven days are not far from what is usual on the weeks before: at most 4 times the noise, by 20 % at least. SELECT * FROM audit.usual_value(''events_week'', date).',
     'audit.unusual_words(''events_week'', $1)'),
    ('orders_rejected_unusual', 'unusual', NULL, 'audit.unusual(''orders_rejected'', $1)', NULL, 4, 'warning', NULL,
     'The share of order lines rejected is not far above what is usual on its weekday in the eight weeks before. SELECT * FROM audit.rejected_reasons WHERE run_date = date.',
     'audit.unusual_words(''orders_rejected'', $1)'),
    ('events_rejected_unusual', 'unusual', NULL, 'audit.unusual(''events_rejected'', $1)', NULL, 4, 'warning', NULL,
     'The share of events rejected is not far above what is usual on its weekday in the eight weeks before. SELECT * FROM audit.rejected_reasons WHERE run_date = date.',
     'audit.unusual_words(''events_rejected'', $1)'),
    ('codes_new', 'drift', NULL, 'audit.new_codes(''codes'', $1)', NULL, 0, 'warning', NULL,
     'No status, event type or currency of the day is one that none of the 28 days before had. Is it mapped as it should be in staging.codes?', 'audit.new_codes_words(''codes'', $1)'),
    ('codes_gone', 'drift', NULL, 'audit.gone_codes(''codes'', $1)', NULL, 0, 'warning', NULL,
     'No status, event type or currency is missing that is usually there: on 10 of the last 14 days, with 10 rows or more. Did an export or a tracker change?', 'audit.gone_codes_words(''codes'', $1)'),
    ('fields_new', 'drift', NULL, 'audit.new_codes(''fields'', $1)', NULL, 0, 'warning', NULL,
     'No field of the day''s records is one that none of the 56 days before had. To take it into the warehouse: a row in staging.fields.', 'audit.new_codes_words(''fields'', $1)'),
    ('fields_gone', 'drift', NULL, 'audit.gone_codes(''fields'', $1)', NULL, 0, 'warning', NULL,
     'No field is missing from the day''s records that is usually there. Did the source rename it?', 'audit.gone_codes_words(''fields'', $1)')
ON CONFLICT ON CONSTRAINT dq_rules_pkey DO NOTHING;

ALTER TABLE audit.steps DROP CONSTRAINT steps_inputs_check;
ALTER TABLE audit.steps ADD CONSTRAINT steps_inputs_check
    CHECK (inputs <@ ARRAY['codes', 'null markers', 'fields', 'order statuses', 'deliveries', 'staging', 'staging of orders',
                           'staging of events', 'rules', 'overrides', 'figures', 'unseen members', 'rates', 'shapes', 'usual']);
UPDATE audit.steps SET inputs = inputs || '{usual}' WHERE step = 'check_quality';

-- What cleaning has counted of the days that are there. The rest of a day's profile comes when it is cleaned again.
INSERT INTO audit.day_profile (run_date, measure, kind, value, of)
SELECT l.load_date, m.measure, m.kind, m.value, m.of
FROM staging.loads l
CROSS JOIN LATERAL (VALUES
    ('orders', 'order_lines_delivered', 'count', l.delivered_count::numeric, NULL::numeric), ('orders', 'order_lines', 'count', l.clean_count, NULL),
    ('orders', 'orders_rejected', 'share', trim_scale(round(l.rejected_count / nullif(l.delivered_count, 0)::numeric, 9)), l.delivered_count),
    ('events', 'events_delivered', 'count', l.delivered_count, NULL), ('events', 'events', 'count', l.clean_count, NULL),
    ('events', 'events_rejected', 'share', trim_scale(round(l.rejected_count / nullif(l.delivered_count, 0)::numeric, 9)), l.delivered_count),
    ('products', 'products_delivered', 'count', l.delivered_count, NULL), ('products', 'products', 'count', l.clean_count, NULL)
) AS m (source, measure, kind, value, of)
WHERE m.source = l.source AND m.value IS NOT NULL;

-- When a source usually comes is taken from the last 28 days that it delivered: the median gap between them, and the median time
-- from the start of a day, in the shop's time zone, to its first file. Days that came more than three days late, as in a backfill, say
-- nothing about that. It is late when the next day has not come two hours after its usual time, or after nine of ten arrivals if that is later.
CREATE VIEW audit.freshness AS
WITH zone AS (
    SELECT s.value AS name FROM audit.settings s WHERE s.name = 'time_zone'
),
days AS (
    SELECT s.source, s.position, d.run_date, d.first_at, d.last_at, d.first_at - (d.run_date::timestamp AT TIME ZONE (SELECT z.name FROM zone z)) AS lag,
           d.run_date - lead(d.run_date) OVER (PARTITION BY s.source ORDER BY d.run_date DESC) AS gap
    FROM raw.sources s
    LEFT JOIN LATERAL (
        SELECT l.run_date, min(l.ingested_at) AS first_at, max(l.ingested_at) AS last_at
        FROM raw.file_loads l
        WHERE l.source = s.source AND l.refused_reason IS NULL
          AND l.run_date > (SELECT max(m.run_date) FROM raw.file_loads m WHERE m.source = s.source AND m.refused_reason IS NULL) - 200
        GROUP BY l.run_date
        ORDER BY l.run_date DESC
        LIMIT 28
    ) AS d ON true
),
habits AS (
    SELECT d.source, d.position, max(d.run_date) AS last_day, max(d.last_at) AS last_delivered_at,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY d.gap) AS usual_gap_days,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY d.lag) FILTER (WHERE d.lag BETWEEN '-1 day' AND '4 days') AS usual_lag,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY d.lag) FILTER (WHERE d.lag BETWEEN '-1 day' AND '4 days') AS late_lag
    FROM days d
    GROUP BY d.source, d.position
),
dues AS (
    SELECT h.*, h.last_day + h.usual_gap_days AS due_day,
           ((h.last_day + h.usual_gap_days)::timestamp AT TIME ZONE (SELECT z.name FROM zone z)) + h.usual_lag AS due_at
    FROM habits h
)
SELECT d.source,
       d.last_day,
       d.last_delivered_at,
       d.usual_gap_days,
       (d.due_at AT TIME ZONE (SELECT z.name FROM zone z))::time(0) AS usual_time,
       d.due_day,
       d.due_at,
       now() > d.due_at + greatest(interval '2 hours', d.late_lag - d.usual_lag) AS is_late
FROM dues d
ORDER BY d.position;

COMMENT ON VIEW audit.freshness IS 'One row per source: what came last, when the next is due by what is usual, and whether it is late';
COMMENT ON COLUMN audit.freshness.source IS 'raw.sources';
COMMENT ON COLUMN audit.freshness.last_day IS 'Newest day that a file was taken for; NULL if none ever was';
COMMENT ON COLUMN audit.freshness.last_delivered_at IS 'When the last file of its last 28 days came';
COMMENT ON COLUMN audit.freshness.usual_gap_days IS 'Days from one delivered day to the next, as a rule: 1 for each day, 7 for each week; NULL under two days';
COMMENT ON COLUMN audit.freshness.usual_time IS 'When the first file of a day comes as a rule, in the shop''s time zone; NULL if that is not known';
COMMENT ON COLUMN audit.freshness.due_day IS 'Day that is due next';
COMMENT ON COLUMN audit.freshness.due_at IS 'When it is due';
COMMENT ON COLUMN audit.freshness.is_late IS 'Whether that was more than two hours ago, or more than nine of ten arrivals were late by; NULL if nothing is known';

GRANT SELECT ON audit.freshness, audit.measures, audit.day_profile, audit.day_codes, audit.profile_digests, audit.expected_days TO warehouse_runner, warehouse_analyst;
-- The functions that rules may use stand in audit, too; its tables stay closed.
GRANT USAGE ON SCHEMA audit TO warehouse_checker;

-- Ids: trimmed of every blank that Unicode has, null markers, rules about them; what only describes a customer costs no money.

CREATE TABLE staging.null_markers (
    marker      text COLLATE "C" NOT NULL,
    description text NOT NULL DEFAULT '',
    CONSTRAINT null_markers_pkey PRIMARY KEY (marker),
    -- Values are compared trimmed and in lower case: a row written otherwise would never be found.
    CONSTRAINT null_markers_marker_check CHECK (
        marker = lower(btrim(marker, E' \t\n\r\f\x0b\u0085\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\u3000\u3164\ufeff\uffa0')) AND octet_length(marker) BETWEEN 1 AND 64)
);
COMMENT ON TABLE staging.null_markers IS 'One row per text that exports write for nothing. As a user or product it is nobody and nothing, as the id of an order or event, or the product of an order, it is missing; what describes a customer or product is empty. Add or remove a row and run the day again.';
COMMENT ON COLUMN staging.null_markers.marker IS 'Spelling, trimmed and in lower case; values are compared the same way';
COMMENT ON COLUMN staging.null_markers.description IS 'Who writes it';

INSERT INTO staging.null_markers (marker, description) VALUES
    ('\n', '\N: PostgreSQL COPY, MySQL, Hive'), ('null', 'SQL clients, Java, JSON made by hand'), ('(null)', 'Oracle, Objective-C'),
    ('<null>', 'Database tools'), ('nil', 'Ruby, Lua'), ('<nil>', 'Go'), ('none', 'Python'), ('undefined', 'JavaScript'),
    ('nan', 'Python, R'), ('na', 'R'), ('<na>', 'pandas'), ('n/a', 'People'), ('#n/a', 'Spreadsheets'), ('-', 'Web servers'),
    ('(not set)', 'Google Analytics'), ('(none)', 'Google Analytics; also what the warehouse calls no product'),
    ('(guest)', 'What the warehouse calls nobody');
GRANT SELECT ON staging.null_markers TO warehouse_runner, warehouse_checker;

-- A code with a blank that is trimmed now would never be found again.
WITH odd_codes AS (
    DELETE FROM staging.codes c
    WHERE c.source_value <> lower(btrim(c.source_value,
        E' \t\n\r\f\x0b\u0085\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\u3000\u3164\ufeff\uffa0'))
    RETURNING c.kind, c.canonical_value, lower(btrim(c.source_value,
        E' \t\n\r\f\x0b\u0085\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\u3000\u3164\ufeff\uffa0')) AS source_value
)
INSERT INTO staging.codes (kind, source_value, canonical_value)
SELECT o.kind, o.source_value, o.canonical_value FROM odd_codes o WHERE o.source_value <> ''
ON CONFLICT ON CONSTRAINT codes_pkey DO NOTHING;
ALTER TABLE staging.codes DROP CONSTRAINT codes_source_value_check;
ALTER TABLE staging.codes ADD CONSTRAINT codes_source_value_check CHECK (source_value = lower(btrim(source_value,
        E' \t\n\r\f\x0b\u0085\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\u3000\u3164\ufeff\uffa0')) AND source_value <> '');

-- What they return has a column more.
DROP FUNCTION IF EXISTS
    staging._read_orders(date, text, date, text, timestamptz, timestamptz, bigint[], staging.fields[]), staging._read_events(date, text, date, bigint[], staging.fields[]),
    staging._read_events(date, text, date, text, timestamptz, timestamptz, bigint[], staging.fields[]), staging._read_products(date, bigint[], staging.fields[]), staging._product_problems(json, text, text, text, text, text);
ALTER TYPE staging.order_line ADD ATTRIBUTE null_markers text[], ADD ATTRIBUTE emptied text[];
COMMENT ON COLUMN staging.order_line.null_markers IS 'order_id and product_id, each if it is a null marker, else NULL';
COMMENT ON COLUMN staging.order_line.emptied IS 'Fields of the customer that are left empty instead of rejecting the line';
ALTER TYPE staging.own_values ADD ATTRIBUTE emptied text[];
COMMENT ON COLUMN staging.own_values.emptied IS 'Fields whose value is left empty because their kind does not allow it; NULL if there are none';

-- Without a default: no row is written.
ALTER TABLE staging.orders_clean ADD COLUMN emptied text[];
ALTER TABLE staging.events_clean ADD COLUMN emptied text[];
ALTER TABLE staging.products_clean ADD COLUMN emptied text[];
COMMENT ON COLUMN staging.orders_clean.emptied IS 'Fields that were left empty because nobody can read their value: city, signup_date, marketing_source, user, and custom fields whose on_fault is empty; NULL if there are none';
COMMENT ON COLUMN staging.events_clean.emptied IS 'Custom fields that were left empty because their kind does not allow their value; NULL if there are none';
COMMENT ON COLUMN staging.products_clean.emptied IS 'Custom fields that were left empty because their kind does not allow their value; NULL if there are none';
ALTER TABLE staging.loads ADD COLUMN likely_fields jsonb;
COMMENT ON COLUMN staging.loads.likely_fields IS 'If no clean row of the day has a user, or no event a product: the fields of its records that look like one, as in {"user_id": "customer_id"}; empty if none does. NULL if some row has them';

-- Whoever has edited such a row keeps the old way.
UPDATE staging.fields f SET on_fault = 'empty'
WHERE f.source = 'orders' AND f.place = 'customer' AND f.on_fault = 'reject' AND f.is_personal AND NOT f.is_required
  AND (f.field, f.kind, f.column_name, f.description) IN (
      ('city', 'text', 'city', 'Where the customer lives'), ('signup_date', 'date', 'signup_date', 'When the customer signed up'),
      ('marketing_source', 'text', 'marketing_source', 'What brought the customer to the shop'));

UPDATE staging.fields f SET description = d.now
FROM (VALUES ('The customer; none for a guest', 'The customer; none, or a null marker, for a guest'),
             ('The user; none for a guest', 'The user; none, or a null marker, for a guest'),
             ('The product that it is about, if any', 'The product that it is about; none, or a null marker, if there is none')) AS d (before, now)
WHERE f.description = d.before AND f.field IN ('user_id', 'product_id');

ALTER TABLE audit.steps DROP CONSTRAINT steps_inputs_check;
ALTER TABLE audit.steps ADD CONSTRAINT steps_inputs_check CHECK (inputs <@ ARRAY['codes', 'null markers', 'fields', 'order statuses', 'deliveries', 'staging', 'staging of orders',
                                                         'staging of events', 'rules', 'overrides', 'figures', 'unseen members', 'rates']);
UPDATE audit.steps SET inputs = '{codes,null markers,fields,order statuses,deliveries,rates}' WHERE step = 'clean_orders';
UPDATE audit.steps SET inputs = '{codes,null markers,fields,order statuses,deliveries}' WHERE step = 'clean_events';
UPDATE audit.steps SET inputs = '{null markers,fields,deliveries}' WHERE step = 'clean_products';

COMMENT ON COLUMN audit.dq_rules.sample IS 'SQL over a row: what the sample of a rule about rows shows; NULL shows the key. Of a rule with thresholds and without a table: one SQL value, shown when it fails';
INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, min_value, max_value, severity, sample, description) VALUES
    ('orders_spreadsheet_ids', 'ids', 'staging.orders_clean',
     'CASE WHEN ascii(order_id) < 58 AND (order_id LIKE ''%+%'' OR order_id LIKE ''_._%E%'') THEN order_id !~ ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$'' ELSE true END
      AND CASE WHEN ascii(user_id) < 58 AND (user_id LIKE ''%+%'' OR user_id LIKE ''_._%E%'') THEN user_id !~ ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$'' ELSE true END
      AND CASE WHEN ascii(product_id) < 58 AND (product_id LIKE ''%+%'' OR product_id LIKE ''_._%E%'') THEN product_id !~ ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$'' ELSE true END',
     NULL, NULL, 'critical',
     'coalesce(''order_id '' || substring(order_id FROM ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$''), ''user_id '' || substring(user_id FROM ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$''), ''product_id '' || substring(product_id FROM ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$''))',
     'No id is a number that a spreadsheet has shortened, as in 8.20983E+17: the digits are lost, and different ids became one. Export it again with ids as text, and deliver the file again.'),
    ('events_spreadsheet_ids', 'ids', 'staging.events_clean',
     'CASE WHEN ascii(event_id) < 58 AND (event_id LIKE ''%+%'' OR event_id LIKE ''_._%E%'') THEN event_id !~ ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$'' ELSE true END
      AND CASE WHEN ascii(user_id) < 58 AND (user_id LIKE ''%+%'' OR user_id LIKE ''_._%E%'') THEN user_id !~ ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$'' ELSE true END
      AND CASE WHEN ascii(product_id) < 58 AND (product_id LIKE ''%+%'' OR product_id LIKE ''_._%E%'') THEN product_id !~ ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$'' ELSE true END',
     NULL, NULL, 'critical',
     'coalesce(''event_id '' || substring(event_id FROM ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$''), ''user_id '' || substring(user_id FROM ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$''), ''product_id '' || substring(product_id FROM ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$''))',
     'No id is a number that a spreadsheet has shortened, as in 8.20983E+17: the digits are lost, and different ids became one. Export it again with ids as text, and deliver the file again.'),
    ('products_spreadsheet_ids', 'ids', 'staging.products_clean',
     'CASE WHEN ascii(product_id) < 58 AND (product_id LIKE ''%+%'' OR product_id LIKE ''_._%E%'') THEN product_id !~ ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$'' ELSE true END',
     NULL, NULL, 'critical',
     'coalesce(''product_id '' || substring(product_id FROM ''^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$''))',
     'No id is a number that a spreadsheet has shortened, as in 8.20983E+17: the digits are lost, and different ids became one. Export it again with ids as text, and deliver the file again.'),
    ('orders_point_zero_ids', 'ids', 'staging.orders_clean',
     'CASE WHEN ascii(order_id) < 58 AND order_id LIKE ''%.0'' AND order_id ~ ''^[0-9]+[.]0$'' THEN NOT EXISTS (SELECT FROM staging.orders_clean o WHERE o.load_date = $1 AND o.order_id NOT LIKE ''%.0'') ELSE true END
      AND CASE WHEN ascii(user_id) < 58 AND user_id LIKE ''%.0'' AND user_id ~ ''^[0-9]+[.]0$'' THEN NOT EXISTS (SELECT FROM staging.orders_clean o WHERE o.load_date = $1 AND o.user_id NOT LIKE ''%.0'') ELSE true END
      AND CASE WHEN ascii(product_id) < 58 AND product_id LIKE ''%.0'' AND product_id ~ ''^[0-9]+[.]0$'' THEN NOT EXISTS (SELECT FROM staging.orders_clean o WHERE o.load_date = $1 AND o.product_id NOT LIKE ''%.0'') ELSE true END',
     NULL, NULL, 'warning',
     'coalesce(''order_id '' || substring(order_id FROM ''^[0-9]+[.]0$''), ''user_id '' || substring(user_id FROM ''^[0-9]+[.]0$''), ''product_id '' || substring(product_id FROM ''^[0-9]+[.]0$''))',
     'Ids do not end in .0 beside others that do not: a program has made numbers of them, and one customer or product may have two ids.'),
    ('events_point_zero_ids', 'ids', 'staging.events_clean',
     'CASE WHEN ascii(event_id) < 58 AND event_id LIKE ''%.0'' AND event_id ~ ''^[0-9]+[.]0$'' THEN NOT EXISTS (SELECT FROM staging.events_clean o WHERE o.load_date = $1 AND o.event_id NOT LIKE ''%.0'') ELSE true END
      AND CASE WHEN ascii(user_id) < 58 AND user_id LIKE ''%.0'' AND user_id ~ ''^[0-9]+[.]0$'' THEN NOT EXISTS (SELECT FROM staging.events_clean o WHERE o.load_date = $1 AND o.user_id NOT LIKE ''%.0'') ELSE true END
      AND CASE WHEN ascii(product_id) < 58 AND product_id LIKE ''%.0'' AND product_id ~ ''^[0-9]+[.]0$'' THEN NOT EXISTS (SELECT FROM staging.events_clean o WHERE o.load_date = $1 AND o.product_id NOT LIKE ''%.0'') ELSE true END',
     NULL, NULL, 'warning',
     'coalesce(''event_id '' || substring(event_id FROM ''^[0-9]+[.]0$''), ''user_id '' || substring(user_id FROM ''^[0-9]+[.]0$''), ''product_id '' || substring(product_id FROM ''^[0-9]+[.]0$''))',
     'Ids do not end in .0 beside others that do not: a program has made numbers of them, and one customer or product may have two ids.'),
    ('orders_emptied_values', 'values', 'staging.orders_clean',
     'emptied IS NULL',
     NULL, NULL, 'warning',
     'order_id || '': '' || emptied[1] || coalesce('', '' || emptied[2], '''') || coalesce('', '' || emptied[3], '''')',
     'Every value that only describes something could be read. Those that could not are left empty, and the row stays in; SELECT order_id, emptied FROM staging.orders_clean names them.'),
    ('events_emptied_values', 'values', 'staging.events_clean',
     'emptied IS NULL',
     NULL, NULL, 'warning',
     'event_id || '': '' || emptied[1] || coalesce('', '' || emptied[2], '''') || coalesce('', '' || emptied[3], '''')',
     'Every value that only describes something could be read. Those that could not are left empty, and the row stays in; SELECT event_id, emptied FROM staging.events_clean names them.'),
    ('products_emptied_values', 'values', 'staging.products_clean',
     'emptied IS NULL',
     NULL, NULL, 'warning',
     'product_id || '': '' || emptied[1] || coalesce('', '' || emptied[2], '''') || coalesce('', '' || emptied[3], '''')',
     'Every value that only describes something could be read. Those that could not are left empty, and the row stays in; SELECT product_id, emptied FROM staging.products_clean names them.'),
    ('orders_without_users', 'columns', NULL,
     '(SELECT CASE WHEN l.clean_count >= CASE WHEN l.likely_fields ->> ''user_id'' <> '''' THEN 5 ELSE 100 END AND l.likely_fields ->> ''user_id'' IS NOT NULL THEN l.clean_count ELSE 0 END FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date = $1)',
     NULL, 0, 'warning',
     '(SELECT ''the records have '' || nullif(l.likely_fields ->> ''user_id'', '''') FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date = $1)',
     'Some order of the day has a user_id. The sample names fields that look like it: rename them in the export. With such a field a day counts from 5 rows, without one from 100; a shop of guests only switches this rule off.'),
    ('events_without_users', 'columns', NULL,
     '(SELECT CASE WHEN l.clean_count >= CASE WHEN l.likely_fields ->> ''user_id'' <> '''' THEN 5 ELSE 100 END AND l.likely_fields ->> ''user_id'' IS NOT NULL THEN l.clean_count ELSE 0 END FROM staging.loads l WHERE l.source = ''events'' AND l.load_date = $1)',
     NULL, 0, 'warning',
     '(SELECT ''the records have '' || nullif(l.likely_fields ->> ''user_id'', '''') FROM staging.loads l WHERE l.source = ''events'' AND l.load_date = $1)',
     'Some event of the day has a user_id. The sample names fields that look like it: rename them in the export. With such a field a day counts from 5 rows, without one from 100; a shop of guests only switches this rule off.'),
    ('events_without_products', 'columns', NULL,
     '(SELECT CASE WHEN l.clean_count >= CASE WHEN l.likely_fields ->> ''product_id'' <> '''' THEN 5 ELSE 100 END AND l.likely_fields ->> ''product_id'' IS NOT NULL THEN l.clean_count ELSE 0 END FROM staging.loads l WHERE l.source = ''events'' AND l.load_date = $1)',
     NULL, 0, 'warning',
     '(SELECT ''the records have '' || nullif(l.likely_fields ->> ''product_id'', '''') FROM staging.loads l WHERE l.source = ''events'' AND l.load_date = $1)',
     'Some event of the day has a product_id. The sample names fields that look like it: rename them in the export. With such a field a day counts from 5 rows, without one from 100; a shop of guests only switches this rule off.')
ON CONFLICT ON CONSTRAINT dq_rules_pkey DO NOTHING;

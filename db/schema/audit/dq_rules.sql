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
    CONSTRAINT dq_rules_table_name_fkey FOREIGN KEY (table_name) REFERENCES raw.sources (staging_table),
    -- The name becomes a column of the query that judges: a longer one would be cut, and not found again.
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
    ('products_rejected_share', 'share', NULL,
     '(SELECT l.rejected_count::numeric / nullif(l.delivered_count, 0) FROM staging.loads l WHERE l.source = ''products'' AND l.load_date = $1)',
     NULL, 0.05, 'warning', NULL, 'At most 5 % of the products of the day''s catalogue were rejected; see audit.bad_records.'),
    ('products_rejected_share_max', 'share', NULL,
     '(SELECT l.rejected_count::numeric / nullif(l.delivered_count, 0) FROM staging.loads l WHERE l.source = ''products'' AND l.load_date = $1)',
     NULL, 0.25, 'critical', NULL, 'At most 25 % of the products of the day''s catalogue were rejected; see audit.bad_records.'),
    ('products_shrink', 'volume', NULL,
     '(SELECT 1 - l.clean_count / nullif((SELECT b.clean_count::numeric FROM staging.loads b WHERE b.source = ''products'' AND b.load_date < $1 ORDER BY b.load_date DESC LIMIT 1), 0) FROM staging.loads l WHERE l.source = ''products'' AND l.load_date = $1)',
     NULL, 0.5, 'critical', NULL,
     'The day''s catalogue lost at most half of the products of the catalogue before it. Is a part of it missing? If the shop sells that much less: CALL audit.allow_day(date, reason).'),
    ('products_coverage', 'share', 'staging.orders_clean',
     'avg(CASE WHEN product_id IN (SELECT k.product_id FROM staging.known_products($1) k) THEN 0 ELSE 1 END)',
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

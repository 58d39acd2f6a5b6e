-- Rules about the catalogue: the share that was rejected, and what it lost.

-- A rule of that name that somebody has made stays as it is.
INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, min_value, max_value, severity, sample, description) VALUES
    ('products_rejected_share', 'share', NULL,
     '(SELECT l.rejected_count::numeric / nullif(l.delivered_count, 0) FROM staging.loads l WHERE l.source = ''products'' AND l.load_date = $1)',
     NULL, 0.05, 'warning', NULL, 'At most 5 % of the products of the day''s catalogue were rejected; see audit.bad_records.'),
    ('products_rejected_share_max', 'share', NULL,
     '(SELECT l.rejected_count::numeric / nullif(l.delivered_count, 0) FROM staging.loads l WHERE l.source = ''products'' AND l.load_date = $1)',
     NULL, 0.25, 'critical', NULL, 'At most 25 % of the products of the day''s catalogue were rejected; see audit.bad_records.'),
    ('products_shrink', 'volume', NULL,
     '(SELECT 1 - l.clean_count / nullif((SELECT b.clean_count::numeric FROM staging.loads b WHERE b.source = ''products'' AND b.load_date < $1 ORDER BY b.load_date DESC LIMIT 1), 0) FROM staging.loads l WHERE l.source = ''products'' AND l.load_date = $1)',
     NULL, 0.5, 'critical', NULL,
     'The day''s catalogue lost at most half of the products of the catalogue before it. Is a part of it missing? If the shop sells that much less: CALL audit.allow_day(date, reason).')
ON CONFLICT ON CONSTRAINT dq_rules_pkey DO NOTHING;

COMMENT ON COLUMN raw.events_csv.extra IS 'What else the record has: columns that the header adds as texts, members of a JSON record as delivered; NULL if there is nothing';
COMMENT ON COLUMN raw.events_csv.line_number IS 'Line of the file on which it began, the header is line 1; of JSON as in orders_json';
COMMENT ON COLUMN raw.orders_json.line_number IS 'Where it stood in the file: line of NDJSON or CSV, element of an array or list, place among values, from 1';
COMMENT ON COLUMN raw.orders_json.raw_json IS 'The order byte for byte as it was delivered; of a row of CSV an object of its columns as texts';
COMMENT ON COLUMN raw.products_json.raw_json IS 'The product byte for byte as it was delivered; of a row of CSV an object of its columns as texts';
COMMENT ON COLUMN raw.products_json.line_number IS 'Where it stood in the file: line of NDJSON or CSV, element of an array or list, place among values, from 1';
COMMENT ON COLUMN staging.delivery.load_ids IS 'Those that were taken, in the order of their names: raw.name_order';
COMMENT ON COLUMN raw.sources.required_fields IS 'Fields without which a record is rejected; a CSV header without them refuses the file';

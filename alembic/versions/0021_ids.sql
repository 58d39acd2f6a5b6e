-- Rules about ids call a function for what each id is asked: they are a line each, and ids of 32 bytes (UUIDs) cost next to nothing.
-- What somebody has edited stays as it is.
UPDATE audit.dq_rules SET expression =
    'NOT (staging.is_shortened_number(order_id) OR staging.is_shortened_number(user_id) OR staging.is_shortened_number(product_id))'
WHERE rule_name = 'orders_spreadsheet_ids' AND md5(expression) = '2f65fe0fb55689ea028138634583e09d';
UPDATE audit.dq_rules SET sample =
    'CASE WHEN staging.is_shortened_number(order_id) THEN ''order_id '' || order_id WHEN staging.is_shortened_number(user_id) THEN ''user_id '' || user_id WHEN staging.is_shortened_number(product_id) THEN ''product_id '' || product_id END'
WHERE rule_name = 'orders_spreadsheet_ids' AND md5(sample) = 'cf679213f29864facc9fd09888e2c1a4';
UPDATE audit.dq_rules SET expression =
    'NOT (staging.is_shortened_number(event_id) OR staging.is_shortened_number(user_id) OR staging.is_shortened_number(product_id))'
WHERE rule_name = 'events_spreadsheet_ids' AND md5(expression) = '6c25b6ef0c3e39ce626d73f1ad1240b0';
UPDATE audit.dq_rules SET sample =
    'CASE WHEN staging.is_shortened_number(event_id) THEN ''event_id '' || event_id WHEN staging.is_shortened_number(user_id) THEN ''user_id '' || user_id WHEN staging.is_shortened_number(product_id) THEN ''product_id '' || product_id END'
WHERE rule_name = 'events_spreadsheet_ids' AND md5(sample) = '0f37a79d278b6b13c3cf937964668e5c';
UPDATE audit.dq_rules SET expression =
    'NOT (staging.is_shortened_number(product_id))'
WHERE rule_name = 'products_spreadsheet_ids' AND md5(expression) = '91fe3ab50fc113c9b242e0e2a0d141ac';
UPDATE audit.dq_rules SET sample =
    'CASE WHEN staging.is_shortened_number(product_id) THEN ''product_id '' || product_id END'
WHERE rule_name = 'products_spreadsheet_ids' AND md5(sample) = 'dd572518b952e245e17f75f44fca1c57';
UPDATE audit.dq_rules SET expression =
    'CASE WHEN staging.is_point_zero(order_id) THEN NOT EXISTS (SELECT FROM staging.orders_clean o WHERE o.load_date = $1 AND o.order_id NOT LIKE ''%.0'') ELSE true END
      AND CASE WHEN staging.is_point_zero(user_id) THEN NOT EXISTS (SELECT FROM staging.orders_clean o WHERE o.load_date = $1 AND o.user_id NOT LIKE ''%.0'') ELSE true END
      AND CASE WHEN staging.is_point_zero(product_id) THEN NOT EXISTS (SELECT FROM staging.orders_clean o WHERE o.load_date = $1 AND o.product_id NOT LIKE ''%.0'') ELSE true END'
WHERE rule_name = 'orders_point_zero_ids' AND md5(expression) = '6117c08575121c6cd220830ff6973534';
UPDATE audit.dq_rules SET sample =
    'CASE WHEN staging.is_point_zero(order_id) THEN ''order_id '' || order_id WHEN staging.is_point_zero(user_id) THEN ''user_id '' || user_id WHEN staging.is_point_zero(product_id) THEN ''product_id '' || product_id END'
WHERE rule_name = 'orders_point_zero_ids' AND md5(sample) = 'bce5bf18c195f285a00adbce8630f721';
UPDATE audit.dq_rules SET expression =
    'CASE WHEN staging.is_point_zero(event_id) THEN NOT EXISTS (SELECT FROM staging.events_clean o WHERE o.load_date = $1 AND o.event_id NOT LIKE ''%.0'') ELSE true END
      AND CASE WHEN staging.is_point_zero(user_id) THEN NOT EXISTS (SELECT FROM staging.events_clean o WHERE o.load_date = $1 AND o.user_id NOT LIKE ''%.0'') ELSE true END
      AND CASE WHEN staging.is_point_zero(product_id) THEN NOT EXISTS (SELECT FROM staging.events_clean o WHERE o.load_date = $1 AND o.product_id NOT LIKE ''%.0'') ELSE true END'
WHERE rule_name = 'events_point_zero_ids' AND md5(expression) = '808e5f04edea66b054f0b3922accc8c8';
UPDATE audit.dq_rules SET sample =
    'CASE WHEN staging.is_point_zero(event_id) THEN ''event_id '' || event_id WHEN staging.is_point_zero(user_id) THEN ''user_id '' || user_id WHEN staging.is_point_zero(product_id) THEN ''product_id '' || product_id END'
WHERE rule_name = 'events_point_zero_ids' AND md5(sample) = '95a48721e1b0a2729dcc2c09ec0498bb';

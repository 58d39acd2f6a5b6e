-- The users that an order belongs to, as far as its strings tell.
CREATE OR REPLACE FUNCTION raw._users_of_order(p_order json) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_users_of_order$
    SELECT CASE WHEN json_typeof(p_order) <> 'object' OR NOT staging._is_storable(p_order::text)
                THEN ARRAY(SELECT staging._trimmed(l.value) FROM raw._literals(p_order::text) l)
                WHEN json_typeof(p_order -> 'user_id') IN ('object', 'array')
                THEN ARRAY(SELECT staging._trimmed(l.value) FROM raw._literals((p_order -> 'user_id')::text) l)
                WHEN staging._trimmed(p_order ->> 'user_id') IS NOT NULL AND NOT staging._is_null_marker(staging._trimmed(p_order ->> 'user_id')) THEN ARRAY[staging._trimmed(p_order ->> 'user_id')]
                WHEN json_typeof(p_order -> 'user') = 'object'
                THEN ARRAY(SELECT staging._trimmed(coalesce(l.value, m.value)) FROM json_each_text(p_order -> 'user') AS m (key, value)
                           LEFT JOIN LATERAL raw._literals(m.value) AS l ON ascii(m.value) IN (ascii('{'), ascii('['))) END;
$_users_of_order$;
COMMENT ON FUNCTION raw._users_of_order(json) IS 'The users that an order belongs to';

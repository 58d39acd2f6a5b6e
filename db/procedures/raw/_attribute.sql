-- What an order says about its user, in either shape; as staging._read_orders reads it.
CREATE OR REPLACE FUNCTION raw._attribute(p_order json, p_name text) RETURNS json
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_attribute$
    SELECT CASE WHEN p_order -> 'user' ->> p_name IS NULL THEN p_order ELSE p_order -> 'user' END -> p_name;
$_attribute$;
COMMENT ON FUNCTION raw._attribute(json, text) IS 'What an order says about its user, in either shape';

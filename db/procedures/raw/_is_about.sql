-- Whether what an order says about its user is about a certain person: it has the user_id as a string, or as its own id.
CREATE OR REPLACE FUNCTION raw._is_about(p_customer json, p_user_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_is_about$
    SELECT coalesce(raw._without_mention(p_customer::text, p_user_id, '') <> p_customer::text, false)
        OR coalesce(json_typeof(p_customer) = 'object'
                    AND p_user_id IN (staging._trimmed(p_customer ->> 'user_id'), staging._trimmed(p_customer ->> 'id')), false);
$_is_about$;
COMMENT ON FUNCTION raw._is_about(json, text) IS 'Whether what an order says about its user is about a certain person';

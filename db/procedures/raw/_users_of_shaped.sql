-- The users that a record of another form belongs to, by what its shape's function makes of it; if that fails, any word of it may be one.
CREATE OR REPLACE FUNCTION raw._users_of_shaped(p_source text, p_record json, p_mapped json) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_users_of_shaped$
    SELECT CASE WHEN coalesce(json_typeof(p_mapped) <> 'object', true) OR NOT staging._is_storable(p_mapped::text)
                THEN raw._words(convert_to(p_record::text, 'UTF8'))
                WHEN p_source = 'orders' THEN raw._users_of_order(p_mapped)
                ELSE ARRAY[staging._trimmed(p_mapped ->> 'user_id')] END;
$_users_of_shaped$;
COMMENT ON FUNCTION raw._users_of_shaped(text, json, json) IS 'The users that a record of another form belongs to';

-- A raw order without a certain person; NULL if it does not mention the person.
CREATE OR REPLACE FUNCTION raw._order_without_user(p_order json, p_user_id text, p_pseudonym text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_order_without_user$
DECLARE
    v_is_readable boolean := json_typeof(p_order) = 'object' AND staging._is_storable(p_order::text);
    v_order       json := p_order;
    v_text        text;
BEGIN
    IF v_is_readable THEN
        IF staging._trimmed(p_order ->> 'user_id') = p_user_id
           OR json_typeof(p_order -> 'user_id') IN ('object', 'array') AND raw._is_about(p_order -> 'user_id', p_user_id) THEN
            RETURN raw._order_without_person(p_order, p_pseudonym);
        ELSIF raw._is_about(p_order -> 'user', p_user_id) THEN
            -- Only the user object names the person. Without a user_id the order is a guest's, else somebody else's.
            IF staging._trimmed(p_order ->> 'user_id') IS NULL OR staging._is_null_marker(staging._trimmed(p_order ->> 'user_id')) THEN
                RETURN raw._order_without_person(p_order, NULL);
            END IF;
            SELECT json_object_agg(m.name, CASE WHEN m.name = 'user' AND json_typeof(m.value) = 'object'
                                                THEN raw._customer_without_person(m.value, p_pseudonym) ELSE m.value END)
            INTO v_order FROM json_each(p_order) AS m (name, value);
        END IF;
    END IF;
    v_text := raw._without_mention(v_order::text, p_user_id, p_pseudonym);
    RETURN CASE WHEN v_text = p_order::text THEN NULL
                -- Nobody reads an order that no column can hold: all that is kept is that it is one.
                WHEN NOT v_is_readable THEN raw._order_without_person(p_order, p_pseudonym)
                ELSE v_text::json END;
END
$_order_without_user$;
COMMENT ON FUNCTION raw._order_without_user(json, text, text) IS 'A raw order without a certain person; NULL if it does not mention the person';

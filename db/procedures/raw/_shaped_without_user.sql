-- A record of another form without a certain person; NULL if it does not mention the person. If it belongs to the person, only what our own
-- form needs of it is kept; in somebody else's record the pseudonym replaces the strings that are the user_id.
CREATE OR REPLACE FUNCTION raw._shaped_without_user(p_source text, p_routine text, p_record json, p_user_id text, p_pseudonym text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_shaped_without_user$
DECLARE
    v_mapped json;
    v_text   text;
BEGIN
    IF staging._shape_fault(p_routine) IS NULL THEN
        SELECT m.record INTO v_mapped FROM staging._apply_shape(p_routine, ARRAY[p_record]) m;
    END IF;
    IF p_user_id = ANY (raw._users_of_shaped(p_source, p_record, v_mapped)) THEN
        RETURN raw._shaped_without_person(p_source, v_mapped, p_pseudonym);
    END IF;
    v_text := raw._without_mention(p_record::text, p_user_id, p_pseudonym);
    RETURN CASE WHEN v_text <> p_record::text THEN v_text::json END;
END
$_shaped_without_user$;
COMMENT ON FUNCTION raw._shaped_without_user(text, text, json, text, text) IS 'A record of another form without a certain person; NULL if it does not mention the person';

-- Custom fields are those of staging.fields that have no column. They are carried in attributes.

-- The values of a record's custom fields, and what is wrong with them. Called only if such fields are registered.
--
-- p_fields:   rows of staging.fields;  p_places: the places to look at
-- p_record:   the order, item, event or product
-- p_customer: the object that holds an order's customer fields; what is missing there may stand in the record
CREATE OR REPLACE FUNCTION staging._own_values(p_fields staging.fields[], p_places text[], p_record json, p_customer json)
RETURNS staging.own_values
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC'
AS $_own_values$
DECLARE
    v_field  staging.fields;
    v_json   json;
    v_text   text;
    v_fault  text;
    v_result staging.own_values;
BEGIN
    FOREACH v_field IN ARRAY p_fields LOOP
        CONTINUE WHEN v_field.place <> ALL (p_places);
        v_json := CASE WHEN json_typeof(p_record) = 'object' THEN p_record -> v_field.field END;
        IF v_field.place = 'customer' AND json_typeof(p_customer) = 'object' AND p_customer ->> v_field.field IS NOT NULL THEN
            v_json := p_customer -> v_field.field;
        END IF;
        v_text := v_json #>> '{}';
        v_text := staging._trimmed(v_text);
        IF staging._is_null_marker(v_text) THEN
            v_text := NULL;
        END IF;
        v_fault := staging._own_fault(v_field, v_json);
        IF v_fault IS NULL AND v_text IS NOT NULL THEN
            v_result.attributes := coalesce(v_result.attributes, '{}') || jsonb_build_object(v_field.field, CASE
                WHEN v_field.kind IN ('quantity', 'money') THEN to_jsonb(trim_scale(v_text::numeric))
                WHEN v_field.kind = 'time' THEN to_jsonb(staging._iso_time(v_text))
                WHEN v_field.kind = 'date' THEN to_jsonb((staging._iso_time(v_text) AT TIME ZONE 'UTC')::date)
                ELSE to_jsonb(v_text) END);
        ELSIF v_field.on_fault = 'reject' AND v_fault IS NOT NULL THEN
            v_result.problems := v_result.problems || staging._problem(true, v_field.field || ' ' || v_fault, v_text);
        ELSIF v_fault IS NOT NULL THEN
            v_result.emptied := v_result.emptied || v_field.field;
        END IF;
    END LOOP;
    RETURN v_result;
END
$_own_values$;
COMMENT ON FUNCTION staging._own_values(staging.fields[], text[], json, json) IS 'The values of a record''s custom fields, and what is wrong with them';

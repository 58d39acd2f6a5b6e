-- What is wrong with the value of a custom field, in the words of _order_problems; NULL if nothing is.
CREATE OR REPLACE FUNCTION staging._own_fault(p_field staging.fields, p_value json) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_own_fault$
DECLARE
    v_text text := p_value #>> '{}';
BEGIN
    v_text := staging._trimmed(v_text);
    IF staging._is_null_marker(v_text) THEN
        v_text := NULL;
    END IF;
    RETURN CASE
        WHEN v_text IS NULL THEN CASE WHEN p_field.is_required THEN 'is missing' END
        WHEN json_typeof(p_value) IN ('object', 'array') THEN 'is not a plain value'
        WHEN p_field.kind = 'id' THEN CASE WHEN octet_length(v_text) > 512 THEN 'is longer than 512 bytes' END
        WHEN p_field.kind = 'quantity' THEN
            CASE WHEN NOT coalesce(staging._to_number(v_text) > 0, false) THEN 'is not a number above 0' END
        WHEN p_field.kind = 'money' THEN
            CASE WHEN NOT coalesce(staging._to_number(v_text) >= 0, false) THEN 'is not a number of at least 0'
                 WHEN staging._to_number(v_text) >= 1e15 THEN 'is not below 1e15' END
        WHEN p_field.kind = 'time' THEN CASE WHEN staging._iso_time(v_text) IS NULL THEN staging._no_time(v_text) END
        WHEN p_field.kind = 'date' THEN CASE WHEN staging._iso_time(v_text) IS NULL THEN 'is not a date' END
    END;
END
$_own_fault$;
COMMENT ON FUNCTION staging._own_fault(staging.fields, json) IS 'What is wrong with the value of a custom field; NULL if nothing is';

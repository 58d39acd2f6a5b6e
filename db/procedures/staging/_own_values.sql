-- Fields of one's own: those of staging.fields that no column has. They are carried in attributes.

-- The fields of one's own of a source; NULL if there is none.
CREATE OR REPLACE FUNCTION staging._own_fields(p_source text) RETURNS staging.fields[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_own_fields$
    SELECT array_agg(f ORDER BY f.field) FROM staging.fields f WHERE f.source = p_source AND f.column_name IS NULL;
$_own_fields$;
COMMENT ON FUNCTION staging._own_fields(text) IS 'The fields of one''s own of a source; NULL if there is none';

-- What a record has of fields of one's own, and what is wrong with it. Called for records only where such fields are registered.
--
-- p_fields:   rows of staging.fields;  p_places: of which places
-- p_record:   the order, item, event or product
-- p_customer: where an order's fields of the customer stand; what is not in it may stand in the record
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
        v_text := staging._trimmed(v_json #>> '{}');
        v_fault := staging._own_fault(v_field, v_json);
        IF v_fault IS NULL AND v_text IS NOT NULL THEN
            v_result.attributes := coalesce(v_result.attributes, '{}') || jsonb_build_object(v_field.field, CASE
                WHEN v_field.kind IN ('quantity', 'money') THEN to_jsonb(trim_scale(v_text::numeric))
                WHEN v_field.kind = 'time' THEN to_jsonb(staging._to_timestamptz(v_text))
                WHEN v_field.kind = 'date' THEN to_jsonb((staging._to_timestamptz(v_text) AT TIME ZONE 'UTC')::date)
                ELSE to_jsonb(v_text) END);
        ELSIF v_field.on_fault = 'reject' AND v_fault IS NOT NULL THEN
            v_result.problems := v_result.problems || staging._problem(true, v_field.field || ' ' || v_fault, v_text);
        END IF;
    END LOOP;
    RETURN v_result;
END
$_own_values$;
COMMENT ON FUNCTION staging._own_values(staging.fields[], text[], json, json) IS 'What a record has of fields of one''s own, and what is wrong with it';

-- What is wrong with the value of a field of one's own, as in _problems.sql; NULL if nothing is.
CREATE OR REPLACE FUNCTION staging._own_fault(p_field staging.fields, p_value json) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_own_fault$
DECLARE
    v_text text := staging._trimmed(p_value #>> '{}');
BEGIN
    RETURN CASE
        WHEN v_text IS NULL THEN CASE WHEN p_field.is_required THEN 'is missing' END
        WHEN json_typeof(p_value) IN ('object', 'array') THEN 'is not a plain value'
        WHEN p_field.kind = 'id' THEN CASE WHEN octet_length(v_text) > 512 THEN 'is longer than 512 bytes' END
        WHEN p_field.kind = 'quantity' THEN
            CASE WHEN NOT coalesce(staging._to_number(v_text) > 0 AND staging._to_number(v_text) = trunc(staging._to_number(v_text)), false)
                 THEN 'is not a whole number above 0' END
        WHEN p_field.kind = 'money' THEN
            CASE WHEN NOT coalesce(staging._to_number(v_text) >= 0, false) THEN 'is not a number of at least 0'
                 WHEN staging._to_number(v_text) >= 1e15 THEN 'is not below 1e15' END
        WHEN p_field.kind = 'time' THEN CASE WHEN staging._to_timestamptz(v_text) IS NULL THEN 'is not an ISO 8601 time' END
        WHEN p_field.kind = 'date' THEN CASE WHEN staging._to_timestamptz(v_text) IS NULL THEN 'is not a date' END
    END;
END
$_own_fault$;
COMMENT ON FUNCTION staging._own_fault(staging.fields, json) IS 'What is wrong with the value of a field of one''s own; NULL if nothing is';

-- What a record that lacks a required field has instead: its first names that no field has. A misspelled one is among them.
CREATE OR REPLACE FUNCTION staging._record_has(p_record json, p_source text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_record_has$
    SELECT 'the record has ' || string_agg(left(k.name, 60), ', ' ORDER BY k.place)
    FROM (
        SELECT n.name, n.place
        FROM json_object_keys(CASE WHEN json_typeof(p_record) = 'object' THEN p_record ELSE '{}' END) WITH ORDINALITY AS n (name, place)
        WHERE n.name NOT IN ('user', 'items') AND NOT EXISTS (SELECT FROM staging.fields f WHERE f.source = p_source AND f.field = n.name)
        ORDER BY n.place LIMIT 12
    ) AS k;
$_record_has$;
COMMENT ON FUNCTION staging._record_has(json, text) IS 'What a record that lacks a required field has instead: its first names that no field has';

-- What a shape's function makes of records, as cleaning would: evaluated as warehouse_shaper. Nothing is changed.
--
-- p_routine: shapes.name;  p_records: as delivered
-- Returns:   for each record its place, its own form, or why there is none
CREATE OR REPLACE FUNCTION audit.try_shape(p_routine text, p_records json[])
RETURNS TABLE (place bigint, record json, reason text, value text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $try_shape$
DECLARE
    -- What is no name of a function in schema shapes is not looked for.
    v_routine text := substring(p_routine FROM '^shapes[.][a-z_][a-z0-9_]{0,62}$');
    v_fault   text := CASE WHEN v_routine IS NULL THEN format('%s is not the name of a function of schema shapes', p_routine)
                           ELSE staging._shape_fault(v_routine) END;
BEGIN
    IF v_fault IS NOT NULL THEN
        RETURN QUERY SELECT r.place, NULL::json, v_fault, NULL::text
                     FROM unnest(p_records) WITH ORDINALITY AS r (record, place);
    ELSE
        RETURN QUERY SELECT m.place, m.record, m.reason, m.value FROM staging._apply_shape(v_routine, p_records) m;
    END IF;
END
$try_shape$;
COMMENT ON FUNCTION audit.try_shape(text, json[]) IS 'What a shape''s function makes of records, as cleaning would';

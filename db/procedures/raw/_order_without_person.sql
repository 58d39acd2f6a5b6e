-- An order as it is kept when its person is erased: only the fields that the warehouse reads, because nobody knows what
-- else it says about the person; without the fields that staging.fields calls personal; with a pseudonym, or no user.
--
-- Whatever is wrong with the order stays wrong in the same way, so that it is rejected for the same reasons: counts stay.
CREATE OR REPLACE FUNCTION raw._order_without_person(p_order json, p_pseudonym text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC'
AS $_order_without_person$
DECLARE
    v_user  json;
    v_items json;
BEGIN
    IF json_typeof(p_order) <> 'object' THEN
        RETURN '"(erased)"';
    ELSIF NOT staging._is_storable(p_order::text) THEN
        RETURN '{"erased": "\u0000"}';
    END IF;
    v_user := p_order -> 'user';
    v_items := p_order -> 'items';
    IF json_typeof(v_items) = 'array' THEN
        SELECT coalesce(json_agg(
            CASE json_typeof(i.item)
                WHEN 'object' THEN raw._fields_kept(i.item, 'orders', '{line}')
                WHEN 'null' THEN i.item
                ELSE '"(erased)"' END
            ORDER BY i.place), '[]')
        INTO v_items
        FROM json_array_elements(v_items) WITH ORDINALITY AS i (item, place);
    ELSIF json_typeof(v_items) <> 'null' THEN
        v_items := '"(erased)"';
    END IF;

    RETURN (
        SELECT json_strip_nulls(json_object_agg(k.field, k.value))
        FROM (
            SELECT f.key AS field, f.value
            FROM json_each(raw._fields_kept(p_order, 'orders', '{order,line,customer}')) AS f
            WHERE f.key NOT IN ('order_id', 'user_id')
            UNION ALL
            -- The order_id stays, odd ones too: it shows which reports are of the same order.
            SELECT 'order_id', CASE WHEN json_typeof(p_order -> 'order_id') IN ('object', 'array')
                                    THEN raw._without_mention((p_order -> 'order_id')::text, staging._trimmed(p_order ->> 'user_id'), '(erased)')::json
                                    ELSE p_order -> 'order_id' END
            UNION ALL
            -- An object or array is wrong here, and stays so.
            SELECT 'user_id', CASE WHEN json_typeof(p_order -> 'user_id') IN ('object', 'array') THEN '{}'::json ELSE to_json(p_pseudonym) END
            UNION ALL
            SELECT 'user', '"(erased)"' WHERE json_typeof(v_user) NOT IN ('object', 'null')
            UNION ALL
            SELECT 'items', v_items
        ) AS k);
END
$_order_without_person$;
COMMENT ON FUNCTION raw._order_without_person(json, text) IS 'An order as it is kept when its person is erased';

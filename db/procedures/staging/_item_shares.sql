-- The shares that the items of an order have of its own amounts (staging.order_share), in the order of the items; NULL without items.
-- An amount goes to the items by what each costs (staging._allocated): an item that cannot be read costs nothing.
-- Most orders have one item: all is its own.
CREATE OR REPLACE FUNCTION staging._item_shares(p_items json, p_amounts staging.order_amounts) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_item_shares$
DECLARE
    v_costs numeric[];
BEGIN
    IF json_typeof(p_items) IS DISTINCT FROM 'array' THEN
        RETURN NULL;
    ELSIF json_array_length(p_items) = 1 THEN
        RETURN jsonb_build_array(to_jsonb(ROW(p_amounts.discount, p_amounts.tax, p_amounts.shipping, p_amounts.refunded)::staging.order_share));
    END IF;
    v_costs := ARRAY(SELECT greatest(staging._line_amount(t.line_total, t.quantity, t.price, t.discount), 0)
                     -- Fences: each item is read once, not once for each of its fields, and each field is trimmed once.
                     FROM (SELECT i.number, staging._trimmed((i.fields).line_total) AS line_total, staging._trimmed((i.fields).quantity) AS quantity,
                                  staging._trimmed((i.fields).price) AS price, staging._trimmed((i.fields).discount) AS discount
                           FROM (SELECT e.number, CASE WHEN json_typeof(e.item) = 'object' THEN json_populate_record(NULL::staging.order_item, e.item) END AS fields
                                 FROM json_array_elements(p_items) WITH ORDINALITY AS e (item, number) OFFSET 0) AS i OFFSET 0) AS t
                     ORDER BY t.number);
    RETURN (SELECT jsonb_agg(to_jsonb(ROW(s.discount, s.tax, s.shipping, s.refunded)::staging.order_share) ORDER BY s.number)
            FROM unnest(staging._allocated(p_amounts.discount, v_costs, p_amounts.digits), staging._allocated(p_amounts.tax, v_costs, p_amounts.digits),
                        staging._allocated(p_amounts.shipping, v_costs, p_amounts.digits), staging._allocated(p_amounts.refunded, v_costs, p_amounts.digits))
                 WITH ORDINALITY AS s (discount, tax, shipping, refunded, number));
END
$_item_shares$;
COMMENT ON FUNCTION staging._item_shares(json, staging.order_amounts) IS 'The shares that the items of an order have of its own amounts';

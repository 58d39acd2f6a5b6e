-- The shares that the items of an order have of its own amounts (staging.order_share), in the order of the items; NULL without items.
-- An amount goes to the items by what each costs (staging._allocated): an item that cannot be read costs nothing.
-- Most orders have one item: all is its own.
CREATE OR REPLACE FUNCTION staging._item_shares(p_items json, p_amounts staging.order_amounts) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_item_shares$
DECLARE
    v_item       json;
    v_fields     staging.order_item;
    v_line_total text;
    v_quantity   text;
    v_price      text;
    v_own        text;            -- discount
    v_costs      numeric[] := '{}';
    v_discount   numeric[];
    v_tax        numeric[];
    v_shipping   numeric[];
    v_refunded   numeric[];
    v_shares     jsonb[] := '{}';
BEGIN
    IF json_typeof(p_items) IS DISTINCT FROM 'array' THEN
        RETURN NULL;
    ELSIF json_array_length(p_items) = 0 THEN
        RETURN NULL;
    ELSIF json_array_length(p_items) = 1 THEN
        RETURN jsonb_build_array(to_jsonb(ROW(p_amounts.discount, p_amounts.tax, p_amounts.shipping, p_amounts.refunded)::staging.order_share));
    END IF;
    -- What each item costs before the order's own discount. A loop, here and below: the expressions of a query are made ready anew for
    -- each order, which costs several times what they do.
    FOR v_item IN SELECT e.item FROM json_array_elements(p_items) WITH ORDINALITY AS e (item, number) ORDER BY e.number LOOP
        v_fields := CASE WHEN json_typeof(v_item) = 'object' THEN json_populate_record(NULL::staging.order_item, v_item) END;
        v_line_total := staging._trimmed(v_fields.line_total);
        v_quantity := staging._trimmed(v_fields.quantity);
        v_price := staging._trimmed(v_fields.price);
        v_own := staging._trimmed(v_fields.discount);
        v_costs[cardinality(v_costs) + 1] := greatest(
            coalesce(staging._to_number(v_line_total), staging._to_number(v_quantity) * staging._to_number(v_price)) - coalesce(staging._to_number(v_own), 0), 0);
    END LOOP;
    v_discount := staging._allocated(p_amounts.discount, v_costs, p_amounts.digits);
    v_tax := staging._allocated(p_amounts.tax, v_costs, p_amounts.digits);
    v_shipping := staging._allocated(p_amounts.shipping, v_costs, p_amounts.digits);
    v_refunded := staging._allocated(p_amounts.refunded, v_costs, p_amounts.digits);
    FOR v_place IN 1 .. cardinality(v_costs) LOOP
        v_shares[v_place] := to_jsonb(ROW(v_discount[v_place], v_tax[v_place], v_shipping[v_place], v_refunded[v_place])::staging.order_share);
    END LOOP;
    RETURN to_jsonb(v_shares);
END
$_item_shares$;
COMMENT ON FUNCTION staging._item_shares(json, staging.order_amounts) IS 'The shares that the items of an order have of its own amounts';

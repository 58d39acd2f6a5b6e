-- The shares that the items of an order have of its own amounts (staging.order_share), in the order of the items; NULL without items.
--
-- An amount goes to the items by what each costs, rounded down; what is left goes to those with the largest remainders, one
-- smallest part each, among equals to the first (largest remainder, Hamilton's method). So the shares sum to the amount exactly. If
-- no item costs anything, each counts the same. All is done in whole smallest parts: those of the currency, or of an amount that has more decimal
-- places. Multiplied back, nothing is lost to a division.
CREATE OR REPLACE FUNCTION staging._item_shares(p_items json, p_amounts staging.order_amounts) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_item_shares$
BEGIN
    IF json_typeof(p_items) IS DISTINCT FROM 'array' THEN
        RETURN NULL;
    END IF;
    RETURN (
        WITH weighed AS (
            SELECT i.number, CASE WHEN json_typeof(i.item) = 'object'
                                  THEN greatest(coalesce(staging._line_amount(json_populate_record(NULL::staging.order_item, i.item)), 0), 0) ELSE 0 END AS weight
            FROM json_array_elements(p_items) WITH ORDINALITY AS i (item, number)
        ),
        items AS (
            SELECT w.number, CASE WHEN sum(w.weight) OVER () > 0 THEN w.weight ELSE 1 END AS weight,
                   CASE WHEN sum(w.weight) OVER () > 0 THEN sum(w.weight) OVER () ELSE count(*) OVER () END AS total
            FROM weighed w
        ),
        divided AS (
            SELECT i.number, a.kind, a.unit, a.parts, div(a.parts * i.weight, i.total) AS whole, mod(a.parts * i.weight, i.total) AS remainder
            FROM (SELECT k.kind, 10.0 ^ -greatest(p_amounts.digits, min_scale(k.amount)) AS unit, k.amount * 10.0 ^ greatest(p_amounts.digits, min_scale(k.amount)) AS parts
                  FROM (VALUES (1, p_amounts.discount), (2, p_amounts.tax), (3, p_amounts.shipping), (4, p_amounts.refunded)) AS k (kind, amount)) AS a
            CROSS JOIN items i
        ),
        shared AS (
            SELECT d.number, d.kind,
                   (d.whole + (row_number() OVER (PARTITION BY d.kind ORDER BY d.remainder DESC, d.number)
                               <= d.parts - sum(d.whole) OVER (PARTITION BY d.kind))::integer) * d.unit AS amount
            FROM divided d
        )
        SELECT jsonb_agg(to_jsonb(ROW(s.discount, s.tax, s.shipping, s.refunded)::staging.order_share) ORDER BY s.number)
        FROM (SELECT h.number, max(h.amount) FILTER (WHERE h.kind = 1) AS discount, max(h.amount) FILTER (WHERE h.kind = 2) AS tax,
                     max(h.amount) FILTER (WHERE h.kind = 3) AS shipping, max(h.amount) FILTER (WHERE h.kind = 4) AS refunded
              FROM shared h GROUP BY h.number) AS s
    );
END
$_item_shares$;
COMMENT ON FUNCTION staging._item_shares(json, staging.order_amounts) IS 'The shares that the items of an order have of its own amounts';

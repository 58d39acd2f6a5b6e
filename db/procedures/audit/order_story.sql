-- Every report of an order, in the sequence of delivery, and what became of each of its lines.
--
-- p_order_id: the order's id, exactly as written
-- Returns:    a row per line of a report; a report that has no line anywhere gets one row without a line_number. The status
--             is what the source wrote, or the warehouse's own if raw is gone
-- Reads:      raw.orders_json and raw.file_loads; staging.orders_clean, staging.loads; fact_orders, orders_superseded,
--             order_owners; audit.bad_records. What retention dropped is worked out from what is left
-- Errors:     WH004 nothing knows the order
-- Analysts may call it: a record names the person, but nothing except its status is shown.
-- raw has no index on orders. Records that cleaning has read are found by their number; among the others a text search finds
-- the usual ways to write an id. Only records that are found are parsed.
CREATE OR REPLACE FUNCTION audit.order_story(p_order_id text)
RETURNS TABLE (
    report integer, load_date date, file_name text, file_line integer, status text, line_number integer, product_id text,
    quantity numeric, revenue numeric, outcome text, ingested_at timestamptz, load_id bigint, raw_orders_id bigint,
    discount numeric, refunded numeric, currency text, tax numeric, shipping numeric, revenue_in_currency numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET "DateStyle" = 'ISO, YMD'
AS $order_story$
DECLARE
    -- The id as most programs write it into a file that has to be ASCII.
    v_escaped  text := audit._in_ascii(p_order_id);
    v_days     date[];
    v_cleaned  bigint[];
    v_loads    bigint[];
    v_searched date[];
    v_found    bigint;
BEGIN
    SELECT coalesce(array_agg(DISTINCT l.load_date), '{}'), coalesce(array_agg(DISTINCT l.raw_orders_id), '{}')
    INTO v_days, v_cleaned
    FROM audit._order_lines(p_order_id) l;
    SELECT coalesce(array_agg(s.load_id), '{}'), coalesce(array_agg(DISTINCT s.run_date), '{}'), coalesce(max(s.found), 0)
    INTO v_loads, v_searched, v_found
    FROM audit._deliveries_to_search(v_days, 100) s;

    RETURN QUERY
    WITH candidates AS MATERIALIZED (
        SELECT r.run_date, r.raw_orders_id, r.line_number, r.load_id, r.ingested_at, r.raw_json
        FROM raw.orders_json r
        WHERE r.run_date = ANY (v_searched) AND r.load_id = ANY (v_loads)
          AND (r.raw_orders_id = ANY (v_cleaned) OR strpos(r.raw_json::text, p_order_id) > 0
               OR strpos(r.raw_json::text, v_escaped) > 0)
    ),
    reports AS (
        SELECT c.run_date, c.raw_orders_id, c.line_number AS file_line, c.load_id, c.ingested_at, l.file_name,
               left(audit._plain_value(c.raw_json, 'status'), 1000) AS source_status,
               CASE WHEN s.load_date IS NULL THEN 'not cleaned yet'
                    WHEN c.load_id = ANY (s.load_ids) THEN 'duplicate: a later report of the same day won'
                    WHEN EXISTS (SELECT FROM raw.file_loads n
                                 WHERE n.run_date = l.run_date AND n.source = l.source AND n.file_name = l.file_name
                                   AND n.load_id > l.load_id AND n.refused_reason IS NULL)
                    THEN 'not in force: the file was delivered again'
                    ELSE format('not cleaned yet: run %s again', c.run_date) END AS outcome
        FROM candidates c
        JOIN raw.file_loads l ON l.load_id = c.load_id
        LEFT JOIN staging.loads s ON s.source = 'orders' AND s.load_date = c.run_date
        WHERE c.raw_orders_id = ANY (v_cleaned) OR audit._plain_value(c.raw_json, 'order_id') = p_order_id
    ),
    lines AS (
        SELECT coalesce(r.run_date, n.load_date) AS load_date, coalesce(r.file_name, n.file_name) AS file_name,
               coalesce(r.file_line, n.file_line) AS file_line, coalesce(r.source_status, n.status) AS source_status,
               n.line_number, n.product_id, n.quantity, n.revenue, coalesce(n.outcome, r.outcome) AS outcome,
               r.ingested_at, coalesce(r.load_id, n.load_id) AS load_id,
               coalesce(r.raw_orders_id, n.raw_orders_id) AS raw_orders_id,
               n.discount, n.refunded, n.currency, n.tax, n.shipping, n.revenue_in_currency
        FROM reports r
        FULL JOIN audit._order_lines(p_order_id) n ON n.raw_orders_id = r.raw_orders_id
    )
    SELECT (dense_rank() OVER w)::integer, n.load_date, n.file_name, n.file_line, n.source_status, n.line_number, n.product_id,
           n.quantity, n.revenue, n.outcome, n.ingested_at, n.load_id, n.raw_orders_id,
           n.discount, n.refunded, n.currency, n.tax, n.shipping, n.revenue_in_currency
    FROM lines n
    WINDOW w AS (ORDER BY n.load_date, n.file_name COLLATE "C", n.load_id, n.file_line, n.raw_orders_id)
    ORDER BY 1, n.line_number;

    IF NOT FOUND THEN
        RAISE EXCEPTION 'no delivery in raw has an order %', quote_nullable(left(p_order_id, 100)) USING ERRCODE = 'WH004',
            DETAIL = 'Ids are compared letter by letter.'
                     || CASE WHEN v_found > cardinality(v_loads)
                             THEN format(' Of %s deliveries that were not cleaned, the newest %s were searched.',
                                         v_found, cardinality(v_loads)) ELSE '' END,
            HINT = 'SELECT order_id FROM warehouse.orders WHERE order_id ILIKE ''%…%'';';
    END IF;
END
$order_story$;
COMMENT ON FUNCTION audit.order_story(text) IS 'Every report of an order, and what became of each of its lines';

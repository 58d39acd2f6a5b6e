-- What cleaning and loading know about an order: its clean, loaded, superseded and rejected lines. A loaded line is shown
-- even if retention has dropped its staging. order_owners and orders_superseded name the days that are loaded; any other
-- clean line is of a day whose last run did not succeed. Partitions of other days are not touched.
CREATE OR REPLACE FUNCTION audit._order_lines(p_order_id text)
RETURNS TABLE (
    load_date date, raw_orders_id bigint, line_number integer, product_id text, quantity numeric, revenue numeric, status text,
    outcome text, file_name text, file_line integer, load_id bigint, discount numeric, refunded numeric, currency text,
    tax numeric, shipping numeric, revenue_in_currency numeric
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET "DateStyle" = 'ISO, YMD'
AS $_order_lines$
DECLARE
    v_owner date;
    v_rank  timestamptz;
    v_days  date[];
    v_zone  constant text := staging.time_zone();
BEGIN
    SELECT o.load_date, coalesce(o.source_updated_at, staging._end_of_day(o.load_date, v_zone)) INTO v_owner, v_rank
    FROM warehouse.order_owners o WHERE o.order_id = p_order_id;
    SELECT coalesce(array_agg(d.load_date), '{}') INTO v_days
    FROM (
        SELECT v_owner AS load_date WHERE v_owner IS NOT NULL
        UNION
        SELECT s.load_date FROM warehouse.orders_superseded s WHERE s.order_id = p_order_id
        UNION
        SELECT l.load_date
        FROM staging.loads l
        WHERE l.source = 'orders'
          AND (SELECT r.status FROM audit.pipeline_runs r WHERE r.run_date = l.load_date ORDER BY r.run_id DESC LIMIT 1)
              IS DISTINCT FROM 'succeeded'
    ) AS d;

    RETURN QUERY
    WITH clean AS (
        SELECT s.load_date, s.staging_orders_id, s.line_number, s.product_id, s.quantity, s.revenue, s.status,
               s.discount, s.refunded, s.currency, s.tax, s.shipping, s.revenue_in_currency, s.source_updated_at
        FROM staging.orders_clean s
        WHERE s.order_id = p_order_id AND s.load_date = ANY (v_days)
    ),
    facts AS (
        SELECT f.load_date, f.staging_orders_id, f.line_number, f.product_id, f.quantity, f.revenue, f.status,
               f.discount, f.refunded, f.currency, f.tax, f.shipping, f.revenue_in_currency, f.source_updated_at
        FROM warehouse.fact_orders f
        WHERE f.order_id = p_order_id AND f.load_date = v_owner
    ),
    superseded AS (
        SELECT o.load_date, o.staging_orders_id, o.line_number, o.product_id, o.quantity, o.revenue, o.status,
               o.discount, o.refunded, o.currency, o.tax, o.shipping, o.revenue_in_currency, o.source_updated_at
        FROM warehouse.orders_superseded o
        WHERE o.order_id = p_order_id
    ),
    known AS (
        SELECT c.* FROM clean c
        UNION ALL
        SELECT l.* FROM (SELECT f.* FROM facts f UNION ALL SELECT s.* FROM superseded s) AS l
        WHERE l.staging_orders_id NOT IN (SELECT c.staging_orders_id FROM clean c)
    )
    SELECT k.load_date, k.staging_orders_id / 1000000, k.line_number, k.product_id, k.quantity, k.revenue, k.status,
           CASE WHEN k.staging_orders_id IN (SELECT f.staging_orders_id FROM facts f) THEN 'in fact_orders'
                WHEN (v_rank, v_owner) > (coalesce(k.source_updated_at, staging._end_of_day(k.load_date, v_zone)), k.load_date)
                THEN format('superseded by the report of %s', v_owner)
                ELSE format('clean, not loaded: is the day blocked? See the story of %s', k.load_date) END,
           NULL, NULL::integer, NULL::bigint, k.discount, k.refunded, k.currency, k.tax, k.shipping, k.revenue_in_currency
    FROM known k
    UNION ALL
    SELECT b.run_date, b.raw_id, b.item_number, NULL, NULL, NULL, NULL, 'rejected: ' || b.failure_reason || CASE WHEN b.line_count > 1 THEN format(' (with %s lines after it)', b.line_count - 1) ELSE '' END, b.file_name,
           b.line_number, b.load_id, NULL, NULL, NULL, NULL, NULL, NULL
    FROM audit.bad_records b
    WHERE b.record_id = p_order_id AND b.source_table = 'raw.orders_json';
END
$_order_lines$;
COMMENT ON FUNCTION audit._order_lines(text) IS 'What cleaning and loading know about an order: its clean, loaded, superseded and rejected lines';

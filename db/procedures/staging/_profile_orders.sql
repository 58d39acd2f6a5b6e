-- Measures the clean order lines of a day for audit.day_profile and audit.day_codes. One pass over them gives all but the distinct
-- users and products, which are a pass each.
--
-- p_rows: the day's clean lines, before they are published;  p_lines, p_duplicate, p_rejected: as for _finish_cleaning
-- Reads:  p_rows, warehouse.order_statuses, raw (staging._fields_seen), audit.settings
-- Writes: audit.day_profile, audit.day_codes of the day
CREATE OR REPLACE FUNCTION staging._profile_orders(p_delivery staging.delivery, p_rows regclass, p_lines bigint, p_rejected bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_profile_orders$
DECLARE
    -- 18:00 of the shop's day. Orders of other days that came today are left out of that share.
    v_start     timestamptz := staging.start_of_day(p_delivery.load_date);
    v_evening   timestamptz := (p_delivery.load_date + time '18:00') AT TIME ZONE staging.time_zone();
    v_delivered bigint := p_lines + p_delivery.refused_count;
    -- What describes an order is counted by its first line. A whole order has one; only with partial_orders it may have lost it.
    v_orders    text := CASE WHEN audit._setting('partial_orders') = 1 THEN 'count(DISTINCT r.order_id)' ELSE 'count(*) FILTER (WHERE r.line_number = 1)' END;
    v_users     bigint;
    v_products  bigint;
BEGIN
    CREATE TEMPORARY TABLE profiled (
        status text, currency text, lines bigint, orders bigint, net_revenue numeric, firsts bigint, users bigint, cities bigint, sources bigint, of_day bigint, evening bigint
    ) ON COMMIT DROP;
    EXECUTE format($query$
        INSERT INTO pg_temp.profiled
        SELECT r.status, r.currency, count(*), %s, sum(r.revenue - coalesce(r.refunded, 0)), count(*) FILTER (WHERE r.line_number = 1),
               count(r.user_id) FILTER (WHERE r.line_number = 1), count(r.city) FILTER (WHERE r.line_number = 1), count(r.marketing_source) FILTER (WHERE r.line_number = 1),
               count(*) FILTER (WHERE r.line_number = 1 AND r.order_ts >= $1), count(*) FILTER (WHERE r.line_number = 1 AND r.order_ts >= $2)
        FROM %s AS r GROUP BY r.status, r.currency
        $query$, v_orders, p_rows)
    USING v_start, v_evening;
    EXECUTE format('SELECT count(*) FROM (SELECT r.user_id FROM %s AS r WHERE r.user_id IS NOT NULL GROUP BY r.user_id) AS u', p_rows) INTO v_users;
    EXECUTE format('SELECT count(*) FROM (SELECT r.product_id FROM %s AS r GROUP BY r.product_id) AS p', p_rows) INTO v_products;

    PERFORM audit._write_profile(p_delivery, jsonb_build_array(
        jsonb_build_array('order_lines_delivered', v_delivered), jsonb_build_array('orders_rejected', p_rejected, v_delivered),
        jsonb_build_array('users_ordering', v_users), jsonb_build_array('products_ordered', v_products))
        || (SELECT jsonb_build_array(
                jsonb_build_array('order_lines', t.lines), jsonb_build_array('orders', t.orders),
                jsonb_build_array('net_revenue', t.net_revenue), jsonb_build_array('basket', t.net_revenue / nullif(t.sold, 0)),
                jsonb_build_array('orders_without_user', t.firsts - t.users, t.firsts), jsonb_build_array('orders_without_city', t.firsts - t.cities, t.firsts),
                jsonb_build_array('orders_without_source', t.firsts - t.sources, t.firsts), jsonb_build_array('orders_after_18', t.evening, t.of_day))
            FROM (SELECT coalesce(sum(p.lines), 0) AS lines, coalesce(sum(p.orders), 0) AS orders, sum(p.firsts) AS firsts, sum(p.users) AS users, sum(p.cities) AS cities,
                         sum(p.sources) AS sources, sum(p.of_day) AS of_day, sum(p.evening) AS evening,
                         coalesce(sum(p.net_revenue) FILTER (WHERE s.counts_as_sale), 0) AS net_revenue,
                         sum(p.orders) FILTER (WHERE s.counts_as_sale) AS sold
                  FROM pg_temp.profiled p JOIN warehouse.order_statuses s ON s.status = p.status) AS t),
        (SELECT jsonb_agg(jsonb_build_array(c.kind, c.code, c.lines))
         FROM (SELECT 'order_status' AS kind, p.status AS code, sum(p.lines) AS lines FROM pg_temp.profiled p GROUP BY p.status
               UNION ALL
               SELECT 'currency', p.currency, sum(p.lines) FROM pg_temp.profiled p WHERE p.currency IS NOT NULL GROUP BY p.currency) AS c));
    DROP TABLE pg_temp.profiled;
END
$_profile_orders$;
COMMENT ON FUNCTION staging._profile_orders(staging.delivery, regclass, bigint, bigint) IS 'Measures the clean order lines of a day for audit.day_profile and audit.day_codes';

-- What was sold from a day to another by group, of one or several kinds of group, the largest first. Groups under five orders are together in
-- (other), at the end; if that would have fewer than five orders, the next larger group of its kind is in it, too.
--
-- p_kinds:  of category, city and source: cities and sources read the facts once for both;  p_from, p_to: days of delivery, both included
-- Reads:    of categories warehouse.daily_groups; of cities and sources the facts of these days, dim_user, daily_order_statuses
-- Errors:   WH004 no date
CREATE OR REPLACE FUNCTION warehouse.sales_by_kinds(p_kinds text[], p_from date, p_to date)
RETURNS TABLE (kind text, place bigint, name text, orders bigint, lines bigint, net_revenue numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $sales_by_kinds$
DECLARE
    v_statuses text[] := ARRAY(SELECT s.status FROM warehouse.order_statuses s WHERE s.counts_as_sale);
    v_cities   text[];
    v_sources  text[];
    v_orders   bigint[];
    v_lines    bigint[];
    v_revenues numeric[];
BEGIN
    PERFORM warehouse._refuse_day(p_from, 'sales_by'), warehouse._refuse_day(p_to, 'sales_by');
    IF p_kinds && ARRAY['city', 'source'] THEN
        -- First what each customer bought, then who the customer is: a day has many lines of few customers. An order counts by its line 1.
        SELECT array_agg(g.city), array_agg(g.marketing_source), array_agg(g.orders), array_agg(g.lines), array_agg(g.net_revenue)
        INTO v_cities, v_sources, v_orders, v_lines, v_revenues
        FROM (
            SELECT u.city, u.marketing_source, sum(b.firsts)::bigint AS orders, sum(b.lines)::bigint AS lines, sum(b.net_revenue) AS net_revenue
            FROM (
                SELECT f.user_id, count(*) FILTER (WHERE f.line_number = 1) AS firsts, count(*) AS lines,
                       sum(f.revenue) - coalesce(sum(f.refunded) FILTER (WHERE f.refunded IS NOT NULL), 0) AS net_revenue
                FROM warehouse.fact_orders f
                WHERE f.load_date BETWEEN p_from AND p_to AND f.status = ANY (v_statuses)
                GROUP BY f.user_id
            ) AS b
            JOIN warehouse.dim_user u ON u.user_id = b.user_id
            GROUP BY u.city, u.marketing_source
        ) AS g;
        -- Few orders have no line 1 (partial_orders); how many orders the days have is known. Only if some are missing are they looked for.
        IF (SELECT coalesce(sum(o.n), 0) FROM unnest(v_orders) AS o (n))
           <> (SELECT coalesce(sum(d.orders), 0) FROM warehouse.daily_order_statuses d
               WHERE d.load_date BETWEEN p_from AND p_to AND d.status = ANY (v_statuses)) THEN
            SELECT v_cities || array_agg(g.city), v_sources || array_agg(g.marketing_source), v_orders || array_agg(g.orders),
                   v_lines || array_agg(0::bigint), v_revenues || array_agg(0::numeric)
            INTO v_cities, v_sources, v_orders, v_lines, v_revenues
            FROM (
                SELECT u.city, u.marketing_source, count(*) AS orders
                FROM (
                    SELECT f.user_id
                    FROM warehouse.fact_orders f
                    WHERE f.load_date BETWEEN p_from AND p_to AND f.status = ANY (v_statuses)
                    GROUP BY f.load_date, f.order_id, f.user_id
                    HAVING min(f.line_number) <> 1
                ) AS o
                JOIN warehouse.dim_user u ON u.user_id = o.user_id
                GROUP BY u.city, u.marketing_source
            ) AS g;
        END IF;
    END IF;
    RETURN QUERY
    WITH customers AS (
        SELECT c.city, c.source, c.orders, c.lines, c.net_revenue
        FROM unnest(v_cities, v_sources, v_orders, v_lines, v_revenues) AS c (city, source, orders, lines, net_revenue)
    ),
    groups AS (
        SELECT k.kind, coalesce(audit._shown(k.name), '(unknown)') AS name, k.orders, k.least_orders, k.lines, k.net_revenue
        FROM (
            SELECT d.kind, d.name, sum(d.orders) AS orders, sum(d.least_orders) AS least_orders, sum(d.lines) AS lines, sum(d.net_revenue) AS net_revenue
            FROM warehouse.daily_groups d
            WHERE d.kind = 'category' AND d.kind = ANY (p_kinds) AND d.day BETWEEN p_from AND p_to
            GROUP BY d.kind, d.name
            UNION ALL
            SELECT 'city', c.city, sum(c.orders), sum(c.orders), sum(c.lines), sum(c.net_revenue) FROM customers c
            WHERE 'city' = ANY (p_kinds) GROUP BY c.city
            UNION ALL
            SELECT 'source', c.source, sum(c.orders), sum(c.orders), sum(c.lines), sum(c.net_revenue) FROM customers c
            WHERE 'source' = ANY (p_kinds) GROUP BY c.source
        ) AS k
    ),
    shown AS (
        SELECT g.kind, g.name, sum(g.orders) AS orders, sum(g.least_orders) AS least_orders, sum(g.lines) AS lines, sum(g.net_revenue) AS net_revenue
        FROM groups g
        GROUP BY g.kind, g.name
    ),
    judged AS (
        SELECT s.kind,
               s.name = '(other)' OR s.least_orders < 5
               OR coalesce(sum(s.least_orders) OVER (PARTITION BY s.kind ORDER BY s.least_orders, s.name COLLATE "C"
                                                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) BETWEEN 0 AND 4, false) AS is_small,
               s.name, s.orders, s.least_orders, s.lines, s.net_revenue
        FROM shown s
    )
    SELECT j.kind,
           row_number() OVER (PARTITION BY j.kind ORDER BY j.is_small, sum(j.net_revenue) DESC, min(j.name) COLLATE "C"),
           CASE WHEN j.is_small THEN '(other)' ELSE j.name END, sum(j.orders)::bigint, sum(j.lines)::bigint, sum(j.net_revenue)
    FROM judged j
    GROUP BY j.kind, j.is_small, CASE WHEN j.is_small THEN '(other)' ELSE j.name END
    HAVING sum(j.least_orders) >= 5
    ORDER BY 1, 2;
END
$sales_by_kinds$;
COMMENT ON FUNCTION warehouse.sales_by_kinds(text[], date, date) IS 'What was sold from a day to another by category, city and source; groups under five orders are together in (other)';

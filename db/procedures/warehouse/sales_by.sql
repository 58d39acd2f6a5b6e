-- What was sold from a day to another by group, the largest first. Groups under five orders are together in (other), at the end; if
-- that would have fewer than five orders, the next larger group is in it, too.
--
-- p_kind:   category, city or source;  p_from, p_to: days of delivery, both included
-- Reads:    warehouse.daily_groups: of cities and sources the facts of these days
-- Errors:   WH004 no date
CREATE OR REPLACE FUNCTION warehouse.sales_by(p_kind text, p_from date, p_to date)
RETURNS TABLE (place bigint, name text, orders bigint, lines bigint, net_revenue numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $sales_by$
BEGIN
    PERFORM warehouse._refuse_day(p_from, 'sales_by'), warehouse._refuse_day(p_to, 'sales_by');
    RETURN QUERY
    WITH named AS (
        SELECT coalesce(audit._shown(g.name), '(unknown)') AS name, g.orders, g.least_orders, g.lines, g.net_revenue
        FROM (SELECT d.name, sum(d.orders) AS orders, sum(d.least_orders) AS least_orders, sum(d.lines) AS lines, sum(d.net_revenue) AS net_revenue
              FROM warehouse.daily_groups d
              WHERE d.kind = p_kind AND d.day BETWEEN p_from AND p_to
              GROUP BY d.name) AS g
    ),
    groups AS (
        SELECT n.name, sum(n.orders) AS orders, sum(n.least_orders) AS least_orders, sum(n.lines) AS lines, sum(n.net_revenue) AS net_revenue
        FROM named n
        GROUP BY n.name
    ),
    judged AS (
        SELECT g.name = '(other)' OR g.least_orders < 5
               OR coalesce(sum(g.least_orders) OVER (ORDER BY g.least_orders, g.name COLLATE "C"
                                                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) BETWEEN 0 AND 4, false) AS is_small,
               g.name, g.orders, g.least_orders, g.lines, g.net_revenue
        FROM groups g
    )
    SELECT row_number() OVER (ORDER BY j.is_small, sum(j.net_revenue) DESC, min(j.name) COLLATE "C"),
           CASE WHEN j.is_small THEN '(other)' ELSE j.name END, sum(j.orders)::bigint, sum(j.lines)::bigint, sum(j.net_revenue)
    FROM judged j
    GROUP BY j.is_small, CASE WHEN j.is_small THEN '(other)' ELSE j.name END
    HAVING sum(j.least_orders) >= 5
    ORDER BY 1;
END
$sales_by$;
COMMENT ON FUNCTION warehouse.sales_by(text, date, date) IS 'What was sold from a day to another by category, city or source; groups under five orders are together in (other)';

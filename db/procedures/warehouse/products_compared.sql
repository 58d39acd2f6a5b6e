-- The products that won and lost most net revenue, from a day to another beside as many days before: week on week, say.
-- A figure of one to four orders is not told: its product is compared as if it had none, and shows NULL there.
--
-- p_from, p_to: days of delivery, both included;  p_top: how many winners and how many losers
-- Reads:        warehouse.daily_products of these days, warehouse.dim_product
-- Errors:       WH004 no date
CREATE OR REPLACE FUNCTION warehouse.products_compared(p_from date, p_to date, p_top integer DEFAULT 10)
RETURNS TABLE (
    direction text, place bigint, product_name text, category text, orders bigint, net_revenue numeric,
    orders_before bigint, net_revenue_before numeric, change numeric, change_share numeric
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $products_compared$
    SELECT warehouse._refuse_day(p_from, 'products_compared'), warehouse._refuse_day(p_to, 'products_compared');
    WITH sums AS (
        SELECT d.product_id,
               coalesce(sum(d.orders) FILTER (WHERE d.load_date >= p_from), 0)::bigint AS orders,
               coalesce(sum(d.net_revenue) FILTER (WHERE d.load_date >= p_from), 0) AS net_revenue,
               coalesce(sum(d.orders) FILTER (WHERE d.load_date < p_from), 0)::bigint AS orders_before,
               coalesce(sum(d.net_revenue) FILTER (WHERE d.load_date < p_from), 0) AS net_revenue_before
        FROM warehouse.daily_products d
        WHERE d.load_date BETWEEN p_from - (p_to - p_from + 1) AND p_to
        GROUP BY d.product_id
    ),
    told AS (
        SELECT s.product_id,
               CASE WHEN s.orders NOT BETWEEN 1 AND 4 THEN s.orders END AS orders,
               CASE WHEN s.orders NOT BETWEEN 1 AND 4 THEN s.net_revenue END AS net_revenue,
               CASE WHEN s.orders_before NOT BETWEEN 1 AND 4 THEN s.orders_before END AS orders_before,
               CASE WHEN s.orders_before NOT BETWEEN 1 AND 4 THEN s.net_revenue_before END AS net_revenue_before
        FROM sums s
        WHERE greatest(s.orders, s.orders_before) >= 5
    ),
    changes AS (
        SELECT t.product_id, t.orders, t.net_revenue, t.orders_before, t.net_revenue_before,
               coalesce(t.net_revenue, 0) - coalesce(t.net_revenue_before, 0) AS change
        FROM told t
    ),
    ranked AS (
        SELECT CASE WHEN c.change > 0 THEN 'winner' ELSE 'loser' END AS direction,
               row_number() OVER (PARTITION BY c.change > 0 ORDER BY abs(c.change) DESC, c.product_id) AS place,
               c.product_id, c.orders, c.net_revenue, c.orders_before, c.net_revenue_before, c.change
        FROM changes c
        WHERE c.change <> 0
    )
    SELECT r.direction, r.place, coalesce(audit._shown(p.product_name), '(unknown)'), coalesce(audit._shown(p.category), '(unknown)'),
           r.orders, r.net_revenue, r.orders_before, r.net_revenue_before,
           CASE WHEN num_nulls(r.orders, r.orders_before) = 0 THEN r.change END,
           CASE WHEN r.net_revenue_before > 0 THEN r.net_revenue / r.net_revenue_before - 1 END
    FROM ranked r
    JOIN warehouse.dim_product p ON p.product_id = r.product_id
    WHERE r.place <= p_top
    ORDER BY r.direction DESC, r.place;
$products_compared$;
COMMENT ON FUNCTION warehouse.products_compared(date, date, integer) IS 'The products that won and lost most net revenue beside as many days before; figures of fewer than five orders are not told';

-- Adjusts the fact figures of the days that orders moved from or to: pg_temp.taken_rows, given_rows. Each day is looked
-- up: the cost does not grow with the number of days. What counted as a sale when a day's row was written counts
-- here: what is subtracted must be what was added.
CREATE OR REPLACE FUNCTION warehouse._move_order_figures() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off
AS $_move_order_figures$
BEGIN
    UPDATE warehouse.daily_metrics m
    SET fact_orders_count = m.fact_orders_count + d.lines, superseded_orders_count = m.superseded_orders_count - d.lines,
        revenue = trim_scale(m.revenue + d.revenue), net_revenue = trim_scale(m.net_revenue + d.net_revenue),
        discount = trim_scale(m.discount + d.discount), tax = trim_scale(m.tax + d.tax), shipping = trim_scale(m.shipping + d.shipping),
        refunded = trim_scale(m.refunded + d.refunded), updated_at = now()
    FROM (
        SELECT r.load_date, sum(r.sign) AS lines, sum(r.sign * r.revenue) AS revenue,
               coalesce(sum(r.sign * (r.revenue - coalesce(r.refunded, 0))) FILTER (WHERE r.status = ANY (k.sale_statuses)), 0) AS net_revenue,
               coalesce(sum(r.sign * r.discount), 0) AS discount, coalesce(sum(r.sign * r.tax), 0) AS tax,
               coalesce(sum(r.sign * r.shipping), 0) AS shipping, coalesce(sum(r.sign * r.refunded), 0) AS refunded
        FROM (SELECT t.load_date, t.revenue, t.status, t.discount, t.tax, t.shipping, t.refunded, -1 AS sign FROM pg_temp.taken_rows t
              UNION ALL
              SELECT g.load_date, g.revenue, g.status, g.discount, g.tax, g.shipping, g.refunded, 1 FROM pg_temp.given_rows g) AS r
        JOIN warehouse.daily_metrics k ON k.run_date = r.load_date
        GROUP BY r.load_date
    ) AS d
    WHERE m.run_date = d.load_date;
END
$_move_order_figures$;
COMMENT ON FUNCTION warehouse._move_order_figures() IS 'Adjusts the fact figures of the days that orders moved from or to';

-- Adjusts the fact figures of the days that orders moved from or to: pg_temp.taken_rows, given_rows. Each day is looked
-- up: the cost does not grow with the number of days. What counted as a sale when a day's row was written counts
-- here: what is subtracted must be what was added.
--
-- Passed in a temporary table to _move_customers: moved_lines (load_date, order_id, user_id, sign, …), those of a sale
CREATE OR REPLACE FUNCTION warehouse._move_order_figures() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off
AS $_move_order_figures$
BEGIN
    -- An order moves with all of its lines.
    CREATE TEMPORARY TABLE moved_lines ON COMMIT DROP AS
    SELECT r.load_date, r.order_id, r.user_id, r.product_id, r.sign, r.revenue - coalesce(r.refunded, 0) AS net_revenue,
           row_number() OVER (PARTITION BY r.load_date, r.sign, r.order_id ORDER BY r.line_number) = 1 AS is_first,
           row_number() OVER (PARTITION BY r.load_date, r.sign, r.order_id, r.product_id) = 1 AS is_first_of_product
    FROM (SELECT t.load_date, t.order_id, t.line_number, t.user_id, t.product_id, t.status, t.revenue, t.refunded, -1 AS sign FROM pg_temp.taken_rows t
          UNION ALL
          SELECT g.load_date, g.order_id, g.line_number, g.user_id, g.product_id, g.status, g.revenue, g.refunded, 1 FROM pg_temp.given_rows g) AS r
    JOIN warehouse.daily_metrics k ON k.run_date = r.load_date
    WHERE r.status = ANY (k.sale_statuses);

    UPDATE warehouse.daily_metrics m
    SET fact_orders_count = m.fact_orders_count + d.lines, superseded_orders_count = m.superseded_orders_count - d.lines,
        revenue = trim_scale(m.revenue + d.revenue), net_revenue = trim_scale(m.net_revenue + d.net_revenue),
        discount = trim_scale(m.discount + d.discount), tax = trim_scale(m.tax + d.tax), shipping = trim_scale(m.shipping + d.shipping),
        refunded = trim_scale(m.refunded + d.refunded),
        sold_orders_count = m.sold_orders_count + d.sold_orders, sold_lines_count = m.sold_lines_count + d.sold_lines, updated_at = now()
    FROM (
        SELECT r.load_date, sum(r.sign) AS lines, sum(r.sign * r.revenue) AS revenue,
               coalesce(sum(r.sign * (r.revenue - coalesce(r.refunded, 0))) FILTER (WHERE r.status = ANY (k.sale_statuses)), 0) AS net_revenue,
               coalesce(sum(r.sign * r.discount), 0) AS discount, coalesce(sum(r.sign * r.tax), 0) AS tax,
               coalesce(sum(r.sign * r.shipping), 0) AS shipping, coalesce(sum(r.sign * r.refunded), 0) AS refunded,
               (SELECT coalesce(sum(l.sign) FILTER (WHERE l.is_first), 0) FROM pg_temp.moved_lines l WHERE l.load_date = r.load_date) AS sold_orders,
               (SELECT coalesce(sum(l.sign), 0) FROM pg_temp.moved_lines l WHERE l.load_date = r.load_date) AS sold_lines
        FROM (SELECT t.load_date, t.revenue, t.status, t.discount, t.tax, t.shipping, t.refunded, -1 AS sign FROM pg_temp.taken_rows t
              UNION ALL
              SELECT g.load_date, g.revenue, g.status, g.discount, g.tax, g.shipping, g.refunded, 1 FROM pg_temp.given_rows g) AS r
        JOIN warehouse.daily_metrics k ON k.run_date = r.load_date
        GROUP BY r.load_date
    ) AS d
    WHERE m.run_date = d.load_date;

    INSERT INTO warehouse.daily_products AS p (load_date, product_id, orders, first_orders, lines, net_revenue)
    SELECT l.load_date, l.product_id, coalesce(sum(l.sign) FILTER (WHERE l.is_first_of_product), 0), coalesce(sum(l.sign) FILTER (WHERE l.is_first), 0),
           sum(l.sign), trim_scale(sum(l.sign * l.net_revenue))
    FROM pg_temp.moved_lines l
    GROUP BY l.load_date, l.product_id
    ORDER BY l.load_date, l.product_id
    ON CONFLICT ON CONSTRAINT daily_products_pkey DO UPDATE
    SET orders = p.orders + excluded.orders, first_orders = p.first_orders + excluded.first_orders, lines = p.lines + excluded.lines,
        net_revenue = trim_scale(p.net_revenue + excluded.net_revenue);
    DELETE FROM warehouse.daily_products p WHERE p.lines = 0 AND (p.load_date, p.product_id) IN (SELECT l.load_date, l.product_id FROM pg_temp.moved_lines l);
    PERFORM warehouse._move_customers();
    DROP TABLE pg_temp.moved_lines;
END
$_move_order_figures$;
COMMENT ON FUNCTION warehouse._move_order_figures() IS 'Adjusts the fact figures of the days that orders moved from or to';

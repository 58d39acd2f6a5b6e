-- Adjusts the fact figures of the days that orders moved from or to: pg_temp.taken_rows, given_rows. Each day is looked
-- up: the cost does not grow with the number of days. What counted as a sale when a day's row was written counts
-- here: what is subtracted must be what was added.
--
-- Passed in a temporary table to _move_customers: moved_lines (load_date, order_id, user_id, sign, is_sale, …)
CREATE OR REPLACE FUNCTION warehouse._move_order_figures() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off
AS $_move_order_figures$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_temp.taken_rows) AND NOT EXISTS (SELECT FROM pg_temp.given_rows) THEN
        RETURN;
    END IF;
    -- An order moves with all of its lines.
    CREATE TEMPORARY TABLE moved_lines ON COMMIT DROP AS
    SELECT r.load_date, r.order_id, r.user_id, r.product_id, r.status, r.sign, r.revenue, r.revenue - coalesce(r.refunded, 0) AS net_revenue,
           r.discount, r.tax, r.shipping, r.refunded, r.status = ANY (k.sale_statuses) AS is_sale,
           row_number() OVER (PARTITION BY r.load_date, r.sign, r.order_id ORDER BY r.line_number) = 1 AS is_first,
           row_number() OVER (PARTITION BY r.load_date, r.sign, r.order_id, r.product_id) = 1 AS is_first_of_product
    FROM (SELECT t.load_date, t.order_id, t.line_number, t.user_id, t.product_id, t.status, t.revenue, t.discount, t.tax, t.shipping, t.refunded,
                 -1 AS sign
          FROM pg_temp.taken_rows t
          UNION ALL
          SELECT g.load_date, g.order_id, g.line_number, g.user_id, g.product_id, g.status, g.revenue, g.discount, g.tax, g.shipping, g.refunded, 1
          FROM pg_temp.given_rows g) AS r
    JOIN warehouse.daily_metrics k ON k.run_date = r.load_date;
    ANALYZE pg_temp.moved_lines;

    UPDATE warehouse.daily_metrics m
    SET fact_orders_count = m.fact_orders_count + d.lines, superseded_orders_count = m.superseded_orders_count - d.lines,
        revenue = trim_scale(m.revenue + d.revenue), net_revenue = trim_scale(m.net_revenue + d.net_revenue),
        discount = trim_scale(m.discount + d.discount), tax = trim_scale(m.tax + d.tax), shipping = trim_scale(m.shipping + d.shipping),
        refunded = trim_scale(m.refunded + d.refunded),
        sold_orders_count = m.sold_orders_count + d.sold_orders, sold_lines_count = m.sold_lines_count + d.sold_lines, updated_at = now()
    FROM (
        SELECT l.load_date, sum(l.sign) AS lines, sum(l.sign * l.revenue) AS revenue,
               coalesce(sum(l.sign * l.net_revenue) FILTER (WHERE l.is_sale), 0) AS net_revenue,
               coalesce(sum(l.sign * l.discount), 0) AS discount, coalesce(sum(l.sign * l.tax), 0) AS tax,
               coalesce(sum(l.sign * l.shipping), 0) AS shipping, coalesce(sum(l.sign * l.refunded), 0) AS refunded,
               coalesce(sum(l.sign) FILTER (WHERE l.is_sale AND l.is_first), 0) AS sold_orders, coalesce(sum(l.sign) FILTER (WHERE l.is_sale), 0) AS sold_lines
        FROM pg_temp.moved_lines l
        GROUP BY l.load_date
    ) AS d
    WHERE m.run_date = d.load_date;

    INSERT INTO warehouse.daily_products AS p (load_date, product_id, orders, first_orders, lines, net_revenue)
    SELECT l.load_date, l.product_id, coalesce(sum(l.sign) FILTER (WHERE l.is_first_of_product), 0), coalesce(sum(l.sign) FILTER (WHERE l.is_first), 0),
           sum(l.sign), trim_scale(sum(l.sign * l.net_revenue))
    FROM pg_temp.moved_lines l
    WHERE l.is_sale
    GROUP BY l.load_date, l.product_id
    ORDER BY l.load_date, l.product_id
    ON CONFLICT ON CONSTRAINT daily_products_pkey DO UPDATE
    SET orders = p.orders + excluded.orders, first_orders = p.first_orders + excluded.first_orders, lines = p.lines + excluded.lines,
        net_revenue = trim_scale(p.net_revenue + excluded.net_revenue);
    DELETE FROM warehouse.daily_products p WHERE p.lines = 0 AND (p.load_date, p.product_id) IN (SELECT l.load_date, l.product_id FROM pg_temp.moved_lines l);
    INSERT INTO warehouse.daily_order_statuses AS d (load_date, status, orders, lines, revenue)
    SELECT l.load_date, l.status, coalesce(sum(l.sign) FILTER (WHERE l.is_first), 0), sum(l.sign), trim_scale(sum(l.sign * l.revenue))
    FROM pg_temp.moved_lines l
    GROUP BY l.load_date, l.status
    ORDER BY l.load_date, l.status
    ON CONFLICT ON CONSTRAINT daily_order_statuses_pkey DO UPDATE
    SET orders = d.orders + excluded.orders, lines = d.lines + excluded.lines, revenue = trim_scale(d.revenue + excluded.revenue);
    DELETE FROM warehouse.daily_order_statuses d WHERE d.lines = 0 AND (d.load_date, d.status) IN (SELECT l.load_date, l.status FROM pg_temp.moved_lines l);
    PERFORM warehouse._move_customers();
    DROP TABLE pg_temp.moved_lines;
END
$_move_order_figures$;
COMMENT ON FUNCTION warehouse._move_order_figures() IS 'Adjusts the fact figures of the days that orders moved from or to';

-- Writes the fact figures of a load's day, of its products and of its statuses, and adjusts those of the days that orders moved from or to.
-- p_query: gives the lines of the load that are in the facts
CREATE OR REPLACE FUNCTION warehouse._write_order_figures(p_load_date date, p_query text) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_write_order_figures$
DECLARE
    v_result audit.step_result;
BEGIN
    DELETE FROM warehouse.daily_products p WHERE p.load_date = p_load_date;
    DELETE FROM warehouse.daily_order_statuses d WHERE d.load_date = p_load_date;
    -- One scan of the lines, for the day's row, its products and its statuses.
    EXECUTE format($query$
        WITH lines AS MATERIALIZED (
            SELECT f.order_id, f.user_id, f.product_id, f.status, f.revenue, f.discount, f.tax, f.shipping, f.refunded, s.counts_as_sale,
                   row_number() OVER (PARTITION BY f.order_id ORDER BY f.line_number) = 1 AS is_first
            FROM (%1$s) AS f
            JOIN warehouse.order_statuses s ON s.status = f.status
        ),
        statuses AS (
            INSERT INTO warehouse.daily_order_statuses (load_date, status, orders, lines, revenue)
            SELECT %2$L, l.status, count(*) FILTER (WHERE l.is_first), count(*), trim_scale(sum(l.revenue))
            FROM lines l
            GROUP BY l.status
        ),
        products AS (
            INSERT INTO warehouse.daily_products (load_date, product_id, orders, first_orders, lines, net_revenue)
            SELECT %2$L, o.product_id, count(*), sum(o.first_orders), sum(o.lines), trim_scale(sum(o.net_revenue))
            FROM (
                SELECT l.order_id, l.product_id, count(*) FILTER (WHERE l.is_first) AS first_orders, count(*) AS lines,
                       sum(l.revenue - coalesce(l.refunded, 0)) AS net_revenue
                FROM lines l
                WHERE l.counts_as_sale
                GROUP BY l.order_id, l.product_id
            ) AS o
            GROUP BY o.product_id
            RETURNING first_orders, lines
        )
        INSERT INTO warehouse.daily_metrics AS m (run_date, status, fact_orders_count, superseded_orders_count, revenue, net_revenue, sale_statuses,
                                                  discount, tax, shipping, refunded, sold_orders_count, sold_lines_count, customers_count)
        SELECT %2$L, 'running', count(*), (SELECT count(*) FROM warehouse.orders_superseded o WHERE o.load_date = %2$L),
               trim_scale(coalesce(sum(f.revenue), 0)), trim_scale(coalesce(sum(f.revenue) FILTER (WHERE f.counts_as_sale), 0) - coalesce(sum(f.refunded) FILTER (WHERE f.counts_as_sale), 0)),
               (SELECT coalesce(array_agg(k.status ORDER BY k.status), '{}') FROM warehouse.order_statuses k WHERE k.counts_as_sale),
               trim_scale(coalesce(sum(f.discount), 0)), trim_scale(coalesce(sum(f.tax), 0)), trim_scale(coalesce(sum(f.shipping), 0)), trim_scale(coalesce(sum(f.refunded), 0)),
               (SELECT coalesce(sum(p.first_orders), 0) FROM products p), (SELECT coalesce(sum(p.lines), 0) FROM products p),
               (SELECT count(*) FROM (SELECT l.user_id FROM lines l WHERE l.counts_as_sale AND l.user_id <> '(guest)' GROUP BY l.user_id) AS u)
        FROM lines AS f
        ON CONFLICT ON CONSTRAINT daily_metrics_pkey DO UPDATE
        SET fact_orders_count = excluded.fact_orders_count, superseded_orders_count = excluded.superseded_orders_count,
            revenue = excluded.revenue, net_revenue = excluded.net_revenue, sale_statuses = excluded.sale_statuses,
            discount = excluded.discount, tax = excluded.tax, shipping = excluded.shipping, refunded = excluded.refunded,
            sold_orders_count = excluded.sold_orders_count, sold_lines_count = excluded.sold_lines_count, customers_count = excluded.customers_count,
            updated_at = excluded.updated_at
        WHERE (m.fact_orders_count, m.superseded_orders_count, m.revenue, m.net_revenue, m.sale_statuses,
               m.discount, m.tax, m.shipping, m.refunded, m.sold_orders_count, m.sold_lines_count, m.customers_count)
              IS DISTINCT FROM (excluded.fact_orders_count, excluded.superseded_orders_count, excluded.revenue, excluded.net_revenue, excluded.sale_statuses,
                                excluded.discount, excluded.tax, excluded.shipping, excluded.refunded,
                                excluded.sold_orders_count, excluded.sold_lines_count, excluded.customers_count)
        $query$, p_query, p_load_date);

    PERFORM warehouse._move_order_figures();

    SELECT m.fact_orders_count + m.superseded_orders_count, m.fact_orders_count, 0, m.superseded_orders_count
    INTO v_result.rows_in, v_result.rows_out, v_result.rows_rejected, v_result.rows_duplicate
    FROM warehouse.daily_metrics m WHERE m.run_date = p_load_date;
    RETURN v_result;
END
$_write_order_figures$;
COMMENT ON FUNCTION warehouse._write_order_figures(date, text)
    IS 'Writes the fact figures of a load''s day, and adjusts those of the days that orders moved from or to';

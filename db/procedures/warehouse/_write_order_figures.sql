-- Writes the fact figures of a load's day, of its products and of its statuses, and adjusts those of the days that orders moved from or to.
-- The lines are read three times: for what all groups add up to, for the few odd orders, and for the customers. None of these sorts them.
-- p_query: gives the lines of the load that are in the facts
--
-- Reads:  the lines, pg_temp.loaded_keys, taken_rows, given_rows, warehouse.order_statuses, orders_superseded
-- Writes: warehouse.daily_products, daily_order_statuses, daily_metrics
CREATE OR REPLACE FUNCTION warehouse._write_order_figures(p_load_date date, p_query text) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_write_order_figures$
DECLARE
    v_customers bigint;
    v_result    audit.step_result;
BEGIN
    -- Of a product and status. A table, because INSERT … SELECT would use one core only. Amounts that nobody gives cost nothing: without the
    -- filters each group would keep a sum of nothing.
    EXECUTE format($query$
        CREATE TEMPORARY TABLE order_groups ON COMMIT DROP AS
        SELECT f.product_id, f.status, count(*) AS lines, count(*) FILTER (WHERE f.line_number = 1) AS firsts, 0::bigint AS repeats, sum(f.revenue) AS revenue,
               sum(f.discount) FILTER (WHERE f.discount IS NOT NULL) AS discount, sum(f.tax) FILTER (WHERE f.tax IS NOT NULL) AS tax,
               sum(f.shipping) FILTER (WHERE f.shipping IS NOT NULL) AS shipping, sum(f.refunded) FILTER (WHERE f.refunded IS NOT NULL) AS refunded
        FROM (%s) AS f
        GROUP BY f.product_id, f.status
        $query$, p_query);
    -- Few orders are without line 1 (partial_orders), or have a product on more than one line.
    EXECUTE format($query$
        INSERT INTO pg_temp.order_groups (product_id, status, lines, firsts, repeats)
        SELECT o.product_id, o.status, 0, count(*) FILTER (WHERE o.place = 1 AND o.line_number <> 1), count(*) FILTER (WHERE o.place_of_product > 1)
        FROM (
            SELECT f.product_id, f.status, f.line_number, row_number() OVER (PARTITION BY f.order_id ORDER BY f.line_number) AS place,
                   row_number() OVER (PARTITION BY f.order_id, f.product_id ORDER BY f.line_number) AS place_of_product
            FROM (%s) AS f
            JOIN pg_temp.loaded_keys k ON k.order_id = f.order_id
            WHERE k.is_odd
        ) AS o
        GROUP BY o.product_id, o.status
        $query$, p_query);
    EXECUTE format('SELECT count(*) FROM (SELECT f.user_id FROM (%s) AS f JOIN warehouse.order_statuses s ON s.status = f.status AND s.counts_as_sale
                                          WHERE f.user_id <> ''(guest)'' GROUP BY f.user_id) AS u', p_query) INTO v_customers;

    DELETE FROM warehouse.daily_products p WHERE p.load_date = p_load_date;
    INSERT INTO warehouse.daily_products (load_date, product_id, orders, first_orders, lines, net_revenue)
    SELECT p_load_date, g.product_id, sum(g.lines) - sum(g.repeats), sum(g.firsts), sum(g.lines), trim_scale(sum(g.revenue) - coalesce(sum(g.refunded), 0))
    FROM pg_temp.order_groups g
    JOIN warehouse.order_statuses s ON s.status = g.status
    WHERE s.counts_as_sale
    GROUP BY g.product_id;
    DELETE FROM warehouse.daily_order_statuses d WHERE d.load_date = p_load_date;
    INSERT INTO warehouse.daily_order_statuses (load_date, status, orders, lines, revenue)
    SELECT p_load_date, g.status, sum(g.firsts), sum(g.lines), trim_scale(sum(g.revenue)) FROM pg_temp.order_groups g GROUP BY g.status;

    INSERT INTO warehouse.daily_metrics AS m (run_date, status, fact_orders_count, superseded_orders_count, revenue, net_revenue, sale_statuses,
                                              discount, tax, shipping, refunded, sold_orders_count, sold_lines_count, customers_count)
    SELECT p_load_date, 'running', coalesce(sum(g.lines), 0), (SELECT count(*) FROM warehouse.orders_superseded o WHERE o.load_date = p_load_date),
           trim_scale(coalesce(sum(g.revenue), 0)),
           trim_scale(coalesce(sum(g.revenue) FILTER (WHERE s.counts_as_sale), 0) - coalesce(sum(g.refunded) FILTER (WHERE s.counts_as_sale), 0)),
           (SELECT coalesce(array_agg(k.status ORDER BY k.status), '{}') FROM warehouse.order_statuses k WHERE k.counts_as_sale),
           trim_scale(coalesce(sum(g.discount), 0)), trim_scale(coalesce(sum(g.tax), 0)), trim_scale(coalesce(sum(g.shipping), 0)), trim_scale(coalesce(sum(g.refunded), 0)),
           coalesce(sum(g.firsts) FILTER (WHERE s.counts_as_sale), 0), coalesce(sum(g.lines) FILTER (WHERE s.counts_as_sale), 0), v_customers
    FROM pg_temp.order_groups g
    JOIN warehouse.order_statuses s ON s.status = g.status
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
                            excluded.sold_orders_count, excluded.sold_lines_count, excluded.customers_count);
    DROP TABLE pg_temp.order_groups;

    PERFORM warehouse._move_order_figures();

    SELECT m.fact_orders_count + m.superseded_orders_count, m.fact_orders_count, 0, m.superseded_orders_count
    INTO v_result.rows_in, v_result.rows_out, v_result.rows_rejected, v_result.rows_duplicate
    FROM warehouse.daily_metrics m WHERE m.run_date = p_load_date;
    RETURN v_result;
END
$_write_order_figures$;
COMMENT ON FUNCTION warehouse._write_order_figures(date, text)
    IS 'Writes the fact figures of a load''s day, and adjusts those of the days that orders moved from or to';

-- Writes the fact figures of a load's day, and adjusts those of the days that orders moved from or to.
-- p_query: gives the lines of the load that are in the facts
CREATE OR REPLACE FUNCTION warehouse._write_order_figures(p_load_date date, p_query text) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_write_order_figures$
DECLARE
    v_result audit.step_result;
BEGIN
    EXECUTE format($query$
        INSERT INTO warehouse.daily_metrics AS m (run_date, status, fact_orders_count, superseded_orders_count, revenue, net_revenue, sale_statuses,
                                                  discount, tax, shipping, refunded)
        SELECT %2$L, 'running', count(*), (SELECT count(*) FROM warehouse.orders_superseded o WHERE o.load_date = %2$L),
               trim_scale(coalesce(sum(f.revenue), 0)), trim_scale(coalesce(sum(f.revenue) FILTER (WHERE s.counts_as_sale), 0) - coalesce(sum(f.refunded) FILTER (WHERE s.counts_as_sale), 0)),
               (SELECT coalesce(array_agg(k.status ORDER BY k.status), '{}') FROM warehouse.order_statuses k WHERE k.counts_as_sale),
               trim_scale(coalesce(sum(f.discount), 0)), trim_scale(coalesce(sum(f.tax), 0)), trim_scale(coalesce(sum(f.shipping), 0)), trim_scale(coalesce(sum(f.refunded), 0))
        FROM (%1$s) AS f
        JOIN warehouse.order_statuses s ON s.status = f.status
        ON CONFLICT ON CONSTRAINT daily_metrics_pkey DO UPDATE
        SET fact_orders_count = excluded.fact_orders_count, superseded_orders_count = excluded.superseded_orders_count,
            revenue = excluded.revenue, net_revenue = excluded.net_revenue, sale_statuses = excluded.sale_statuses,
            discount = excluded.discount, tax = excluded.tax, shipping = excluded.shipping, refunded = excluded.refunded,
            updated_at = excluded.updated_at
        WHERE (m.fact_orders_count, m.superseded_orders_count, m.revenue, m.net_revenue, m.sale_statuses,
               m.discount, m.tax, m.shipping, m.refunded)
              IS DISTINCT FROM (excluded.fact_orders_count, excluded.superseded_orders_count, excluded.revenue, excluded.net_revenue, excluded.sale_statuses,
                                excluded.discount, excluded.tax, excluded.shipping, excluded.refunded)
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

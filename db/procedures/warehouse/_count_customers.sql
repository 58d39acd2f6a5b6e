-- Counts the customers of a load's day anew, in its partition of the facts.
--
-- Reads:  the day's partition of warehouse.fact_orders
-- Writes: warehouse.daily_metrics of the day
-- Safe to repeat: it counts what is there.
CREATE OR REPLACE FUNCTION warehouse._count_customers(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_count_customers$
DECLARE
    v_partition regclass := warehouse._partition_of('warehouse.fact_orders', p_load_date);
    v_statuses  text[] := (SELECT m.sale_statuses FROM warehouse.daily_metrics m WHERE m.run_date = p_load_date);
    v_customers bigint;
BEGIN
    IF v_partition IS NULL OR v_statuses IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format($query$
        SELECT count(DISTINCT f.user_id) FROM %s AS f WHERE f.load_date = $1 AND f.user_id <> '(guest)' AND f.status = ANY ($2)
        $query$, v_partition)
    INTO v_customers USING p_load_date, v_statuses;
    UPDATE warehouse.daily_metrics m SET customers_count = v_customers WHERE m.run_date = p_load_date AND m.customers_count <> v_customers;
END
$_count_customers$;
COMMENT ON FUNCTION warehouse._count_customers(date) IS 'Counts the customers of a load''s day anew';

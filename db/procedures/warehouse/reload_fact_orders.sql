-- Loads the order lines of a day in place of what that load brought before.
--
-- After the dimensions.
-- Writes: warehouse.fact_orders, warehouse.orders_superseded, warehouse.order_owners, warehouse.daily_metrics
-- Errors: WH003 called inside a transaction, WH004 no date; those of warehouse._reload_fact_orders
-- Safe to repeat: yes; while its inputs are unchanged it changes nothing.
CREATE OR REPLACE PROCEDURE warehouse.reload_fact_orders(load_date date)
LANGUAGE plpgsql
AS $reload_fact_orders$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL audit._run_step('reload_fact_orders', load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$reload_fact_orders$;
COMMENT ON PROCEDURE warehouse.reload_fact_orders(date) IS 'Loads the order lines of a day in place of what that load brought before';

-- Cleans the orders delivered for a day.
--
-- After the day's files are in raw.
-- Writes: staging.orders_clean, staging.loads, audit.bad_records
-- Errors: WH003 called inside a transaction, WH004 no date; those of staging._clean_orders
-- Safe to repeat: yes; while its inputs are unchanged it changes nothing.
CREATE OR REPLACE PROCEDURE staging.clean_orders(load_date date)
LANGUAGE plpgsql
AS $clean_orders$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL audit._run_step('clean_orders', load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$clean_orders$;
COMMENT ON PROCEDURE staging.clean_orders(date) IS 'Cleans the orders delivered for a day';

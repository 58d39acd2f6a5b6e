-- Cleans the catalogue delivered for a day, if there is one.
--
-- After the day's catalogue is in raw.
-- Writes: staging.products_clean, staging.loads, audit.bad_records
-- Errors: WH003 called inside a transaction, WH004 no date; those of staging._clean_products
-- Safe to repeat: yes; while its inputs are unchanged it changes nothing.
CREATE OR REPLACE PROCEDURE staging.clean_products(load_date date)
LANGUAGE plpgsql
AS $clean_products$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL audit._run_step('clean_products', load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$clean_products$;
COMMENT ON PROCEDURE staging.clean_products(date) IS 'Cleans the catalogue delivered for a day, if there is one';

-- Loads the calendar that a day needs.
--
-- After the gate passed.
-- Writes: warehouse.dim_date
-- Errors: WH003 called inside a transaction, WH004 no date; those of warehouse._load_dim_date
-- Safe to repeat: yes; while its inputs are unchanged it changes nothing.
CREATE OR REPLACE PROCEDURE warehouse.load_dim_date(load_date date)
LANGUAGE plpgsql
AS $load_dim_date$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL audit._run_step('load_dim_date', load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$load_dim_date$;
COMMENT ON PROCEDURE warehouse.load_dim_date(date) IS 'Loads the calendar that a day needs';

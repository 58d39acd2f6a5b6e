-- Computes the metrics of a day and closes its run.
--
-- The last step of a day.
-- Writes: warehouse.daily_metrics
-- Errors: WH003 called inside a transaction, WH004 no date; those of warehouse._compute_daily_metrics
-- Safe to repeat: yes; while its inputs are unchanged it changes nothing.
CREATE OR REPLACE PROCEDURE warehouse.compute_daily_metrics(load_date date)
LANGUAGE plpgsql
AS $compute_daily_metrics$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL audit._run_step('compute_daily_metrics', load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$compute_daily_metrics$;
COMMENT ON PROCEDURE warehouse.compute_daily_metrics(date) IS 'Computes the metrics of a day and closes its run';

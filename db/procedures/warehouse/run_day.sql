-- All SQL steps of a day that is already in raw: clean, check, dimensions, facts, metrics.
--
-- Errors: WH001 the quality gate blocked the day; WH003 called inside a transaction; WH004 no date; what a step raises
-- Safe to repeat: yes; while its inputs are unchanged it changes no row of staging, dimensions or facts.
CREATE OR REPLACE PROCEDURE warehouse.run_day(load_date date)
LANGUAGE plpgsql
AS $run_day$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL warehouse._run_day(load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$run_day$;
COMMENT ON PROCEDURE warehouse.run_day(date) IS 'All SQL steps of a day that is already in raw';

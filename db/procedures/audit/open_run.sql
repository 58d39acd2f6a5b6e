-- Opens a run of a day.
--
-- The first step of a day.
-- Writes: audit.pipeline_runs
-- Errors: WH003 called inside a transaction, WH004 no date
-- Safe to repeat: yes; while its inputs are unchanged it changes nothing.
CREATE OR REPLACE PROCEDURE audit.open_run(load_date date)
LANGUAGE plpgsql
AS $open_run$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL audit._run_step('open_run', load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$open_run$;
COMMENT ON PROCEDURE audit.open_run(date) IS 'Opens a run of a day';

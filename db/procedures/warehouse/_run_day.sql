-- All SQL steps of a day, one after the other; stops at the first that fails. A run that has been opened and waits is
-- joined; otherwise it begins by opening one.
--
-- p_failure: what ended the day; NULL fields if it succeeded
CREATE OR REPLACE PROCEDURE warehouse._run_day(p_load_date date, INOUT p_failure audit.failure)
LANGUAGE plpgsql
AS $_run_day$
DECLARE
    v_step pg_catalog.text;
BEGIN
    FOREACH v_step IN ARRAY audit._steps_of_a_day() LOOP
        CONTINUE WHEN v_step OPERATOR(pg_catalog.=) 'open_run' AND audit._waiting_run(p_load_date) IS NOT NULL;
        CALL audit._run_step(v_step, p_load_date, p_failure);
        EXIT WHEN p_failure.sqlstate IS NOT NULL;
    END LOOP;
END
$_run_day$;
COMMENT ON PROCEDURE warehouse._run_day(date, audit.failure) IS 'All SQL steps of a day, one after the other; stops at the first that fails';

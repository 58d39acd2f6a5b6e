-- Cleans the events delivered for a day.
--
-- After the day's files are in raw.
-- Writes: staging.events_clean, staging.loads, audit.bad_records
-- Errors: WH003 called inside a transaction, WH004 no date; those of staging._clean_events
-- Safe to repeat: yes; while its inputs are unchanged it changes nothing.
CREATE OR REPLACE PROCEDURE staging.clean_events(load_date date)
LANGUAGE plpgsql
AS $clean_events$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL audit._run_step('clean_events', load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$clean_events$;
COMMENT ON PROCEDURE staging.clean_events(date) IS 'Cleans the events delivered for a day';

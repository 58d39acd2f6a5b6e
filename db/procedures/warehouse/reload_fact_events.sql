-- Loads the events of a day in place of what that load brought before.
--
-- After the dimensions.
-- Writes: warehouse.fact_events, warehouse.events_superseded, warehouse.late_events, warehouse.daily_metrics
-- Errors: WH003 called inside a transaction, WH004 no date; those of warehouse._reload_fact_events
-- Safe to repeat: yes; while its inputs are unchanged it changes nothing.
CREATE OR REPLACE PROCEDURE warehouse.reload_fact_events(load_date date)
LANGUAGE plpgsql
AS $reload_fact_events$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL audit._run_step('reload_fact_events', load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$reload_fact_events$;
COMMENT ON PROCEDURE warehouse.reload_fact_events(date) IS 'Loads the events of a day in place of what that load brought before';

-- Retention of audit, one day at a time: it drops what is older than the setting audit_keep_days and no longer needed.
--
-- A run is dropped when both its start and its day are that old. These runs stay, however old they are: the newest of a day
-- and the newest that judged it (status, explain, daily_metrics), that of the gate's verdict, one that an override let
-- through, and one that is still running. A day's rejected rows and step_inputs are dropped when none of its staging is left
-- and none of its runs is young enough to keep: so a run that would have to write them again is never skipped. Verdicts,
-- overrides and erasures stay, one row per decision.

-- Does this for one day. Returns what it did, in words.
-- Locks: the month of the day (advisory, exclusive), so that no step of the day is under way
CREATE OR REPLACE FUNCTION warehouse._drop_expired_audit(p_run_date date, p_before date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_drop_expired_audit$
DECLARE
    v_runs bigint[];
    v_rows bigint := 0;
BEGIN
    PERFORM warehouse._refuse_date(p_before);
    PERFORM warehouse._lock_month_exclusive(p_run_date);
    SELECT coalesce(array_agg(r.run_id), '{}') INTO v_runs FROM warehouse._expired_runs(p_before) r WHERE r.run_date = p_run_date;
    DELETE FROM audit.dq_results d WHERE d.run_id = ANY (v_runs);
    DELETE FROM audit.pipeline_steps s WHERE s.run_id = ANY (v_runs);
    DELETE FROM audit.pipeline_runs r WHERE r.run_id = ANY (v_runs);
    IF warehouse._is_day_over(p_run_date, p_before) THEN
        DELETE FROM audit.step_inputs i WHERE i.run_date = p_run_date;
        DELETE FROM audit.bad_records b WHERE b.run_date = p_run_date;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        -- States of inputs that no step remembers any more. If one is needed after all, the plan cannot name what has changed.
        DELETE FROM audit.input_states k
        WHERE NOT EXISTS (SELECT FROM audit.step_inputs i WHERE i.components ->> k.input = k.digest);
    END IF;
    RETURN format('audit of %s: %s runs and %s rejected rows dropped', p_run_date, cardinality(v_runs), v_rows);
END
$_drop_expired_audit$;
COMMENT ON FUNCTION warehouse._drop_expired_audit(date, date) IS 'Drops what is older than audit_keep_days and no longer needed of one day';

-- Retention of audit, a day at a time: what the setting audit_keep_days does not keep and nobody needs any more.
--
-- A run goes when it began that long ago and its day is that old. What stays whatever its age: the newest run of a day and
-- the newest that judged it (status, explain, daily_metrics), that of the gate's verdict, one that an override let through,
-- and what runs. The rejected rows of a day and its step_inputs go when no staging of it is left and no run of it is kept
-- for its youth: so a run of the day cannot be skipped that would have to make them again. Verdicts, overrides and
-- erasures stay: a row a decision.

-- Drops that of one day. Returns what it did, in words.
-- Locks: the month of the day (advisory): no step of it is in the middle of what is looked at here
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
    END IF;
    RETURN format('audit of %s: %s runs and %s rejected rows dropped', p_run_date, cardinality(v_runs), v_rows);
END
$_drop_expired_audit$;
COMMENT ON FUNCTION warehouse._drop_expired_audit(date, date) IS 'Drops what audit_keep_days does not keep of one day';

-- How long a step took when it worked; NULL if the record of that run is gone.
--
-- p_worked_at: audit.step_inputs.worked_at, when the transaction of the work began
-- Reads:       audit.pipeline_runs, audit.pipeline_steps
CREATE OR REPLACE FUNCTION audit._work_seconds(p_step text, p_run_date date, p_worked_at timestamptz) RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_work_seconds$
BEGIN
    RETURN (SELECT EXTRACT(epoch FROM s.ended_at - s.started_at)
            FROM audit.pipeline_runs r JOIN audit.pipeline_steps s ON s.run_id = r.run_id
            WHERE r.run_date = p_run_date AND s.step = p_step AND p_worked_at BETWEEN s.started_at AND s.ended_at
            ORDER BY s.step_id DESC LIMIT 1);
END
$_work_seconds$;
COMMENT ON FUNCTION audit._work_seconds(text, date, timestamptz) IS 'How long a step took when it worked; NULL if the record of that run is gone';

-- How many rows a step will read, and how long that will take, in proportion to the lines of the day: as when it last worked
-- on the day, else as it worked on other days. NULL where nothing is known.
--
-- p_lines:  lines that the day, or the source of a cleaning step, delivers; p_lines_then: when the step last worked
-- p_recent: a row of audit._recent_work, as JSON; NULL if there is none
-- Reads:    audit.pipeline_runs, audit.pipeline_steps
CREATE OR REPLACE FUNCTION audit._work_estimate(
    p_earlier audit.step_inputs, p_lines numeric, p_lines_then numeric, p_recent jsonb, OUT rows bigint, OUT seconds numeric, OUT based_on text
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET "TimeZone" = 'UTC'
AS $_work_estimate$
DECLARE
    v_times numeric := p_lines / nullif(p_lines_then, 0);
BEGIN
    rows := round(coalesce(p_earlier.rows_in * coalesce(v_times, 1), p_lines * (p_recent ->> 'rows_per_line')::numeric));
    seconds := round(audit._work_seconds(p_earlier.step, p_earlier.run_date, p_earlier.worked_at) * coalesce(v_times, 1), 3);
    IF seconds IS NOT NULL THEN
        based_on := format('its last work, %s', to_char(p_earlier.worked_at, 'YYYY-MM-DD HH24:MI'));
    ELSIF p_lines IS NOT NULL AND p_recent IS NOT NULL THEN
        seconds := round(greatest(p_lines * coalesce((p_recent ->> 'seconds_per_line')::numeric, 0), (p_recent ->> 'least_seconds')::numeric), 3);
        based_on := format('the newest %s works of this step', p_recent ->> 'works');
    END IF;
END
$_work_estimate$;
COMMENT ON FUNCTION audit._work_estimate(audit.step_inputs, numeric, numeric, jsonb) IS 'How many rows a step will read, and how long that will take';

-- What a run of each day of a range would do if it began now, a row per day and step: the days that raw holds, one after the
-- other, as warehouse.run_range does. It only reads, evaluates no rule, waits for no lock, and takes what it sees at one moment.
--
-- p_from, p_to: both included; NULL: from the first, to the last day that raw holds
-- Returns: state:
--            works        it works: an input is another one, or its result is gone
--            may_work     what the steps in waits_for make decides whether it works
--            skips        it does nothing: inputs and result are those of before
--            fails        it cannot work: reasons say why
--            not_reached  the run of the day has ended before it
--          reasons, in words; waits_for: the steps that decide, for `works` whether it is reached: that is the gate
--          rows, seconds: estimated from based_on; NULL if nothing is known
-- A step that fails although its state is another one, or a session that changes something meanwhile, is not foreseen.
-- Reads:   audit.steps, audit.inputs, audit.input_states, audit.step_inputs; what the driver reads to skip
-- Errors:  WH004 no date, or a range reversed
CREATE OR REPLACE FUNCTION audit.plan(p_from date DEFAULT NULL, p_to date DEFAULT NULL)
RETURNS TABLE (run_date date, step text, state text, reasons text[], waits_for text[], rows bigint, seconds numeric, based_on text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD'
AS $plan$
DECLARE
    v_from     date := coalesce(p_from, (SELECT min(l.run_date) FROM raw.file_loads l), p_to, date '1900-01-01');
    v_to       date := coalesce(p_to, (SELECT max(l.run_date) FROM raw.file_loads l), v_from);
    v_recent   jsonb := (SELECT jsonb_object_agg(w.step, to_jsonb(w)) FROM audit._recent_work() w);
    v_shared   jsonb := (SELECT jsonb_object_agg(s.step, audit._shared_components(s)) FROM audit.steps s WHERE s.worker IS NOT NULL);
    v_zone     text := (SELECT format('the time zone is being changed: CALL warehouse.change_time_zone(%L);', c.to_zone)
                        FROM audit.time_zone_changes c WHERE c.ended_at IS NULL);
    -- Tables that steps before write, and which step does: of the day, and of the days before; perhaps, and for sure.
    v_own         jsonb;
    v_own_sure    jsonb;
    v_others      jsonb := '{}';
    v_others_sure jsonb := '{}';
    v_gate     text[];  -- the gate, while nobody knows whether it lets the day through
    v_end      text;    -- why the run of the day gets no further
    v_step     audit.steps;
    v_inputs   audit.step_inputs;
    v_earlier  audit.step_inputs;
    v_why      text[];
    v_returns  text[];
    v_sure     text[];  -- steps before that make the rules of a verdict be judged again
    v_lines    numeric;
    v_day_lines      numeric;
    v_day_lines_then numeric;
    v_words    jsonb := '{}';
BEGIN
    PERFORM warehouse._refuse_day(d.day, 'a plan') FROM (VALUES (v_from), (v_to)) AS d (day);
    IF v_to < v_from THEN
        RAISE EXCEPTION 'a plan needs a first and a last date, in this order' USING ERRCODE = 'WH004',
            HINT = 'SELECT * FROM audit.plan(''2025-12-01'', ''2025-12-19'');';
    END IF;

    FOREACH run_date IN ARRAY audit._days_in_raw(v_from, v_to) LOOP
        v_own := '{}';
        v_own_sure := '{}';
        v_gate := '{}';
        v_end := NULL;
        v_day_lines := 0;
        v_day_lines_then := 0;
        FOR v_step IN SELECT s.* FROM audit.steps s WHERE s.worker IS NOT NULL ORDER BY s.position LOOP
            step := v_step.step;
            v_inputs.step := step;
            v_inputs.run_date := run_date;
            v_inputs.components := audit._step_components(v_step, run_date, v_shared -> step);
            SELECT i.* INTO v_earlier FROM audit.step_inputs i WHERE i.step = v_step.step AND i.run_date = v_inputs.run_date;
            v_why := audit._reasons_to_work(v_step, v_inputs, v_earlier);

            -- What steps before make anew may make it work; but also make an input what it was again.
            waits_for := NULL;
            v_returns := '{}';
            v_sure := NULL;
            IF v_own <> '{}' OR v_others <> '{}' THEN
                SELECT array_agg(DISTINCT w.writer), coalesce(array_agg('input ' || w.input) FILTER (WHERE w.may_return), '{}')
                INTO waits_for, v_returns
                FROM audit._writers_before(v_step.inputs, v_earlier.reads, v_own, v_others) w;
                IF v_earlier.reads <> '{}' THEN
                    SELECT array_agg(DISTINCT w.writer) INTO v_sure FROM audit._writers_before('{}', v_earlier.reads, v_own_sure, v_others_sure) w;
                END IF;
            END IF;
            state := CASE
                WHEN v_end IS NOT NULL THEN 'not_reached'
                WHEN v_zone IS NOT NULL THEN 'fails'
                WHEN NOT v_why <@ v_returns THEN CASE WHEN v_inputs.components @? '$.deliveries.*.is_gone' THEN 'fails' ELSE 'works' END
                WHEN v_sure IS NOT NULL THEN 'works'
                WHEN waits_for IS NOT NULL THEN 'may_work'
                ELSE 'skips' END;

            SELECT t.reasons, t.words INTO reasons, v_words
            FROM audit._planned_reasons(state, v_step, v_inputs, v_earlier, v_why, CASE state WHEN 'works' THEN v_sure ELSE waits_for END, coalesce(v_end, v_zone), v_words) t;
            IF state = 'fails' THEN
                v_end := format('%s fails', step);
            ELSIF step = 'check_quality' AND state IN ('works', 'may_work') AND (v_own <> '{}' OR NOT EXISTS (
                      SELECT FROM audit.dq_overrides o WHERE o.run_date = v_inputs.run_date AND o.staging_versions = audit._staging_versions(v_inputs.run_date))) THEN
                -- The same staging and rules give the same verdict.
                IF waits_for IS NULL AND v_why = '{verdict}' AND EXISTS (
                       SELECT FROM audit.gate_verdicts v WHERE v.run_date = v_inputs.run_date AND NOT v.passed
                       AND v.staging_versions = audit._staging_versions(v_inputs.run_date)) THEN
                    v_end := 'the gate blocks the day again: what it judges by has not changed';
                ELSE
                    v_gate := ARRAY[step];
                END IF;
            END IF;

            rows := NULL;
            seconds := NULL;
            based_on := NULL;
            IF v_step.source IS NOT NULL THEN
                v_lines := audit._lines_to_clean(v_inputs, v_earlier);
                v_day_lines := v_day_lines + v_lines;
                v_day_lines_then := v_day_lines_then + coalesce(v_earlier.rows_in, 0);
            END IF;
            IF state IN ('works', 'may_work') THEN
                SELECT e.rows, e.seconds, e.based_on INTO rows, seconds, based_on
                FROM audit._work_estimate(
                    v_earlier, CASE WHEN v_step.source IS NULL THEN v_day_lines ELSE v_lines END,
                    CASE WHEN v_step.source IS NULL THEN v_day_lines_then ELSE v_earlier.rows_in END, v_recent -> step) e;
            END IF;
            -- A verdict that is repeated changes nothing.
            IF state IN ('works', 'may_work') AND v_end IS NULL THEN
                v_own := v_own || coalesce((SELECT jsonb_object_agg(w.name, v_step.step) FROM unnest(v_step.writes) AS w (name)), '{}');
            END IF;
            IF state = 'works' AND v_end IS NULL AND (v_gate = '{}' OR step = 'check_quality') THEN
                v_own_sure := v_own_sure || coalesce((SELECT jsonb_object_agg(w.name, v_step.step) FROM unnest(v_step.writes) AS w (name)), '{}');
            END IF;
            waits_for := CASE WHEN state = 'may_work' THEN waits_for ELSE '{}' END
                         || CASE WHEN state IN ('works', 'may_work') AND v_step.needs_pass THEN v_gate ELSE '{}' END;
            RETURN NEXT;
        END LOOP;
        v_others := v_others || (SELECT coalesce(jsonb_object_agg(w.key, w.value || ' of ' || v_inputs.run_date), '{}') FROM jsonb_each_text(v_own) w);
        v_others_sure := v_others_sure || (SELECT coalesce(jsonb_object_agg(w.key, w.value || ' of ' || v_inputs.run_date), '{}') FROM jsonb_each_text(v_own_sure) w);
    END LOOP;
END
$plan$;
COMMENT ON FUNCTION audit.plan(date, date) IS 'What a run of each day of a range would do if it began now, a row per day and step';

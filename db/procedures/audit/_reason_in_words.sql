-- A reason of audit._reasons_to_work in words; NULL for a difference that says nothing of its own, as when an older release
-- remembered an input in another form.
--
-- p_reason: a reason
-- p_inputs: step, run_date and components as they are now
-- p_earlier: the row of audit.step_inputs
-- Reads:    audit.inputs, audit.input_states, audit.gate_verdicts; what audit._shared_input reads
CREATE OR REPLACE FUNCTION audit._reason_in_words(p_reason text, p_step audit.steps, p_inputs audit.step_inputs, p_earlier audit.step_inputs)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET "TimeZone" = 'UTC'
AS $_reason_in_words$
DECLARE
    v_input   audit.inputs;
    v_before  jsonb;
    v_now     jsonb;
    v_is_same boolean := p_earlier.components -> 'revision' IS NOT DISTINCT FROM p_inputs.components -> 'revision';
BEGIN
    IF p_reason NOT LIKE 'input %' THEN
        RETURN CASE p_reason
            WHEN 'skip_unchanged' THEN 'setting skip_unchanged is not 1: every step works'
            WHEN 'never' THEN 'it has not worked for this day yet, or its memory was deleted'
            WHEN 'reads' THEN CASE WHEN p_earlier.reads IS NULL THEN 'what its rules read is not known: they are judged each time'
                                   ELSE audit._work_since(p_earlier) END
            WHEN 'partition' THEN format('its result is gone: %s has no partition of the day', p_step.result_table)
            WHEN 'staging' THEN format('the staging of %s is not the one that it made', p_step.source)
            WHEN 'verdict' THEN (
                SELECT CASE WHEN v.run_date IS NULL THEN 'the day was not judged'
                            WHEN v.staging_versions <> audit._staging_versions(p_inputs.run_date) THEN 'the staging was not judged'
                            WHEN NOT v.passed THEN format('the gate blocked the day at %s: it is judged each time', to_char(v.judged_at, 'YYYY-MM-DD HH24:MI'))
                            ELSE 'results of the verdict are gone' END
                FROM (VALUES (1)) AS one LEFT JOIN audit.gate_verdicts v ON v.run_date = p_inputs.run_date)
            END;
    END IF;

    SELECT i.* INTO v_input FROM audit.inputs i WHERE i.input = substr(p_reason, 7);
    v_before := p_earlier.components -> v_input.input;
    v_now := p_inputs.components -> v_input.input;
    IF v_now IS NULL THEN
        RETURN NULL;  -- an input no more: the step's row of audit.steps has changed, and that is told
    ELSIF v_input.input IS NULL THEN
        RETURN format('%s: no row of audit.inputs says what they are', substr(p_reason, 7));
    ELSIF NOT v_input.of_day AND v_now #>> '{}' ~ '^[0-9a-f]{64}$' THEN
        v_before := (SELECT k.entries FROM audit.input_states k WHERE k.input = v_input.input AND k.digest = v_before #>> '{}');
        v_now := audit._shared_input(v_input.input, p_step);
        IF v_before IS NULL AND v_is_same THEN
            RETURN format('%s changed', v_input.input);
        END IF;
    ELSIF v_input.of_day AND jsonb_typeof(v_before) NOT IN ('object', 'null') THEN
        v_before := NULL;
    END IF;
    IF v_input.input = 'revision' THEN
        RETURN format('it was remembered by an older release: %s was %s, is %s', v_input.word, coalesce(v_before #>> '{}', 'unknown'), v_now #>> '{}');
    END IF;
    RETURN CASE WHEN v_is_same OR v_before IS NOT NULL OR jsonb_typeof(v_now) = 'null' THEN audit._change_in_words(v_input, v_before, v_now) END;
END
$_reason_in_words$;
COMMENT ON FUNCTION audit._reason_in_words(text, audit.steps, audit.step_inputs, audit.step_inputs) IS 'A reason why a step has to work, in words';

-- The newest steps that have worked since a verdict and write what its rules read.
CREATE OR REPLACE FUNCTION audit._work_since(p_earlier audit.step_inputs) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_work_since$
    SELECT 'its rules read what has been made since: '
           || string_agg(format('%s of %s', w.step, w.run_date), ', ' ORDER BY w.worked_in DESC, w.step) FILTER (WHERE w.place <= 3)
           || CASE WHEN count(*) > 3 THEN ', …' ELSE '' END
    FROM (SELECT i.step, i.run_date, i.worked_in, row_number() OVER (ORDER BY i.worked_in DESC) AS place
          FROM audit.step_inputs i
          JOIN audit.steps s ON s.step = i.step
          WHERE i.worked_in >= pg_snapshot_xmin(p_earlier.seen) AND NOT pg_visible_in_snapshot(i.worked_in, p_earlier.seen)
            AND (s.writes && p_earlier.reads
                 OR (i.run_date <> p_earlier.run_date
                     AND EXISTS (SELECT FROM unnest(s.writes) AS r (name) WHERE r.name || ' of other days' = ANY (p_earlier.reads))))
          ORDER BY i.worked_in DESC
          LIMIT 4) AS w;
$_work_since$;
COMMENT ON FUNCTION audit._work_since(audit.step_inputs) IS 'The newest steps that have worked since a verdict and write what its rules read';

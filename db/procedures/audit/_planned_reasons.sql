-- What audit.plan says of a step, and what it has put into words so far: of shared inputs every day tells the same.
--
-- p_state:     as audit.plan says it; p_why: audit._reasons_to_work; p_writers: steps before in the plan that change an input, or may
-- p_end:       why the run of the day gets no further, or cannot begin
-- p_words:     what has been put into words before
-- Reads:       what audit._reason_in_words reads
CREATE OR REPLACE FUNCTION audit._planned_reasons(
    p_state text, p_step audit.steps, p_inputs audit.step_inputs, p_earlier audit.step_inputs, p_why text[], p_writers text[],
    p_end text, p_words jsonb, OUT reasons text[], OUT words jsonb
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_planned_reasons$
DECLARE
    v_reason text;
    v_key    text;
    -- Without their dates, so that every day tells the same; waits_for has them.
    v_makers text := (SELECT string_agg(DISTINCT regexp_replace(w.writer, ' of [-0-9]+$', ' of earlier days'), ', ') FROM unnest(p_writers) AS w (writer));
BEGIN
    reasons := '{}';
    words := p_words;
    IF p_state = 'skips' OR p_end IS NOT NULL THEN
        reasons := array_remove(ARRAY[p_end], NULL);
        RETURN;
    END IF;
    -- The release first: it explains most of the others.
    FOREACH v_reason IN ARRAY ARRAY(SELECT w.reason FROM unnest(p_why) AS w (reason) ORDER BY w.reason <> 'input revision', w.reason) LOOP
        v_key := concat_ws(' ', v_reason, p_earlier.components -> substr(v_reason, 7), p_earlier.components -> 'revision');
        IF v_reason = 'input step' OR v_reason NOT LIKE 'input %' OR jsonb_typeof(p_inputs.components -> substr(v_reason, 7)) <> 'string' THEN
            reasons := reasons || audit._reason_in_words(v_reason, p_step, p_inputs, p_earlier);
            CONTINUE;
        ELSIF NOT words ? v_key THEN
            words := words || jsonb_build_object(v_key, audit._reason_in_words(v_reason, p_step, p_inputs, p_earlier));
        END IF;
        reasons := reasons || (words ->> v_key);
    END LOOP;
    IF p_state = 'fails' THEN
        reasons := reasons || 'raw no longer holds all that was delivered: extract the day again'::text;
    ELSIF p_state = 'may_work' THEN
        reasons := reasons || format('it depends on what these will make: %s', v_makers);
    ELSIF v_makers IS NOT NULL THEN
        reasons := reasons || format('its rules read what these will make: %s', v_makers);
    END IF;
    reasons := array_remove(reasons, NULL);
END
$_planned_reasons$;
COMMENT ON FUNCTION audit._planned_reasons(text, audit.steps, audit.step_inputs, audit.step_inputs, text[], text[], text, jsonb) IS 'What audit.plan says of a step';

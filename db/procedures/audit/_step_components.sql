-- Everything that a step makes its result from, input by input: of an input of the day its parts, of one that all days share
-- a digest. A wrong skip is worse than none: so it lists more than a step reads rather than less, and an input that is not
-- known is null and makes the step work.
--
-- p_shared: audit._shared_components(p_step)
-- Reads:    audit.inputs; what audit._day_input reads
-- Call it under the step's locks. What else a rule reads is only known after it was judged: see audit._has_changed_since.
--
-- It does not see what somebody with the owner's rights changes in staging and facts by hand. After that
-- DELETE FROM audit.step_inputs, or set skip_unchanged to 0, and run the days again.
CREATE OR REPLACE FUNCTION audit._step_components(p_step audit.steps, p_load_date date, p_shared jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET "TimeZone" = 'UTC'
AS $_step_components$
BEGIN
    RETURN p_shared || (SELECT coalesce(jsonb_object_agg(i.name, audit._day_input(i.name, p_step.source, p_load_date)), '{}')
                        FROM unnest(p_step.inputs) AS i (name) WHERE NOT p_shared ? i.name);
END
$_step_components$;
COMMENT ON FUNCTION audit._step_components(audit.steps, date, jsonb) IS 'Everything that a step makes its result from, input by input';

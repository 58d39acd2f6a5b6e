-- Which steps before, in the same plan, write what an input of a step follows, or what the rules of its last verdict read.
--
-- p_reads:  audit.step_inputs.reads
-- p_own:    of the step's day, p_others: of the days before: tables, and the step that writes each
-- Returns:  the input, or `reads`; whether it may become again what it was; the step
-- Reads:    audit.inputs
CREATE OR REPLACE FUNCTION audit._writers_before(p_inputs text[], p_reads text[], p_own jsonb, p_others jsonb)
RETURNS TABLE (input text, may_return boolean, writer text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_writers_before$
BEGIN
    RETURN QUERY
    SELECT i.input, i.may_return, w.value
    FROM audit.inputs i
    JOIN jsonb_each_text(p_own) AS w ON w.key = ANY (i.follows)
    WHERE i.input = ANY (p_inputs)
    UNION ALL
    SELECT i.input, i.may_return, w.value
    FROM audit.inputs i
    JOIN jsonb_each_text(p_others) AS w ON w.key = ANY (i.follows)
    WHERE i.input = ANY (p_inputs) AND i.of_other_days
    UNION ALL
    SELECT 'reads', false, w.value FROM jsonb_each_text(p_own) AS w WHERE w.key = ANY (p_reads)
    UNION ALL
    SELECT 'reads', false, w.value FROM jsonb_each_text(p_others) AS w WHERE w.key = ANY (p_reads) OR w.key || ' of other days' = ANY (p_reads);
END
$_writers_before$;
COMMENT ON FUNCTION audit._writers_before(text[], text[], jsonb, jsonb) IS 'Which steps before, in the same plan, write what a step makes its result from';

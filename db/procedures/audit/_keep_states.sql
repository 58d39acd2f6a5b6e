-- Keeps what shared inputs are now, for audit.plan to name later what has changed since. Most of the time it is known: then
-- this looks up a key per input, and no more.
--
-- p_components: what the step made its result from; an input that has changed meanwhile is not kept
-- Writes: audit.input_states
-- Locks:  one of its own (advisory) until the transaction ends, if anything is new; it waits for nobody. While another session
--         keeps states this one does not: names are worth no wait.
-- Safe to repeat: a state has one row.
CREATE OR REPLACE FUNCTION audit._keep_states(p_step audit.steps, p_components jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_keep_states$
DECLARE
    v_new text[];
BEGIN
    SELECT array_agg(i.input) INTO v_new
    FROM audit.inputs i
    WHERE NOT i.of_day AND p_components ->> i.input ~ '^[0-9a-f]{64}$'
      AND NOT EXISTS (SELECT FROM audit.input_states k WHERE k.input = i.input AND k.digest = p_components ->> i.input);
    IF v_new IS NULL OR NOT pg_try_advisory_xact_lock(warehouse._lock_class('input states'), 0) THEN
        RETURN;
    END IF;
    INSERT INTO audit.input_states (input, digest, entries)
    SELECT n.input, p_components ->> n.input, e.parts
    FROM unnest(v_new) AS n (input) CROSS JOIN LATERAL audit._shared_input(n.input, p_step) AS e (parts)
    WHERE audit._shared_digest(n.input, p_step) = p_components -> n.input
    ON CONFLICT ON CONSTRAINT input_states_pkey DO NOTHING;
END
$_keep_states$;
COMMENT ON FUNCTION audit._keep_states(audit.steps, jsonb) IS 'Keeps what shared inputs are now, so that a change can be named later';

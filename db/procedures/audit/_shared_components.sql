-- The inputs of a step that all days share: digests of their parts (audit.input_states), or what they are if that is short.
--
-- Reads: audit.inputs; what audit._shared_digest reads
CREATE OR REPLACE FUNCTION audit._shared_components(p_step audit.steps) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_shared_components$
BEGIN
    RETURN (SELECT coalesce(jsonb_object_agg(i.input, audit._shared_digest(i.input, p_step)), '{}')
            FROM audit.inputs i WHERE NOT i.of_day AND (i.of_all_steps OR i.input = ANY (p_step.inputs)));
END
$_shared_components$;
COMMENT ON FUNCTION audit._shared_components(audit.steps) IS 'The inputs of a step that all days share, as digests';

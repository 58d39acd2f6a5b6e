-- What stands for an input that all days share: the digest of its parts, or its value if that is all it has.
--
-- Reads: what audit._shared_input reads
CREATE OR REPLACE FUNCTION audit._shared_digest(p_input text, p_step audit.steps) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_shared_digest$
DECLARE
    v_parts jsonb;
BEGIN
    IF p_input = 'routines' THEN
        -- Each step of each run asks, and naming hundreds of routines costs more than all the rest. Replacing a routine rewrites
        -- its row of pg_proc, from psql too. PostgreSQL's own, below 16384, are not read.
        RETURN (SELECT to_jsonb(audit._digest(string_agg(p.oid || ' ' || p.xmin, ',' ORDER BY p.oid)))
                FROM pg_proc p
                -- As a list that is found first: the planner would otherwise read the index of all names for it.
                WHERE p.oid >= 16384
                  AND p.pronamespace = ANY (ARRAY(SELECT n.oid FROM pg_namespace n WHERE n.nspname IN ('raw', 'staging', 'audit', 'warehouse'))));
    END IF;
    v_parts := audit._shared_input(p_input, p_step);
    RETURN CASE jsonb_typeof(v_parts) WHEN 'object' THEN to_jsonb(audit._digest(v_parts::text)) ELSE v_parts END;
END
$_shared_digest$;
COMMENT ON FUNCTION audit._shared_digest(text, audit.steps) IS 'What stands for an input that all days share: the digest of its parts';

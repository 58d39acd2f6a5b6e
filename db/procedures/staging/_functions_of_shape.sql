-- The functions of schema shapes that a shape's function is made of: itself, and all whose names its text mentions, and theirs. It
-- names rather too many than too few.
CREATE OR REPLACE FUNCTION staging._functions_of_shape(p_routine text) RETURNS TABLE (routine regprocedure, is_definer boolean, definition text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_functions_of_shape$
    WITH RECURSIVE named AS MATERIALIZED (
        SELECT p.oid, p.proname, p.prosecdef, pg_get_functiondef(p.oid) AS definition
        FROM pg_proc p
        WHERE p.pronamespace = 'shapes'::regnamespace AND p.prokind = 'f'
    ),
    reached AS (
        SELECT n.oid, n.proname, n.prosecdef, n.definition FROM named n WHERE 'shapes.' || n.proname = p_routine
        UNION
        SELECT n.oid, n.proname, n.prosecdef, n.definition
        FROM reached r JOIN named n ON position(n.proname IN r.definition) > 0
    )
    SELECT r.oid::regprocedure, r.prosecdef, r.definition FROM reached r;
$_functions_of_shape$;
COMMENT ON FUNCTION staging._functions_of_shape(text) IS 'The functions of schema shapes that a shape''s function is made of';

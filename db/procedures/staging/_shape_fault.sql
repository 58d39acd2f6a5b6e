-- Why a shape's function may not be evaluated, in words; NULL if it may. It has to be there, run with the rights of its caller, and
-- call no function of PostgreSQL that is VOLATILE: these sleep, lock, or reach beyond the transaction.
CREATE OR REPLACE FUNCTION staging._shape_fault(p_routine text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_shape_fault$
    SELECT CASE
        WHEN p_routine IS NULL THEN NULL
        WHEN coalesce((SELECT p.prorettype <> 'json'::regtype OR p.proretset FROM pg_proc p WHERE p.oid = to_regprocedure(p_routine || '(json)')), true)
        THEN format('there is no function %s(json) RETURNS json', p_routine)
        WHEN EXISTS (SELECT FROM staging._functions_of_shape(p_routine) f WHERE f.is_definer)
        THEN format('%s is SECURITY DEFINER, or calls a function that is', p_routine)
        ELSE (SELECT format('%s may not call %s', p_routine, string_agg(DISTINCT v.proname, ', '))
              FROM staging._functions_of_shape(p_routine) f
              CROSS JOIN LATERAL regexp_matches(f.definition, '\m([a-z_][a-z0-9_]*)\s*\(', 'gi') AS m
              JOIN pg_proc v ON v.proname = lower(m[1]) AND v.pronamespace = 'pg_catalog'::regnamespace AND v.provolatile = 'v'
              HAVING count(*) > 0) END;
$_shape_fault$;
COMMENT ON FUNCTION staging._shape_fault(text) IS 'Why a shape''s function may not be evaluated; NULL if it may';

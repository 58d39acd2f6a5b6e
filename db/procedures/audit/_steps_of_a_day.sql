-- The steps that have a procedure, in their order.
CREATE OR REPLACE FUNCTION audit._steps_of_a_day() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_steps_of_a_day$
    SELECT array_agg(s.step ORDER BY s.position) FROM audit.steps s WHERE s.procedure IS NOT NULL;
$_steps_of_a_day$;
COMMENT ON FUNCTION audit._steps_of_a_day() IS 'The steps that have a procedure, in their order';

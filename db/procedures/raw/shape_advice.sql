-- What to say of a file that is refused because its records are not in our form: for each form that is shipped the fields by which
-- its records are known, and the advice. The first whose fields are all there fits; one that asks for more goes first.
CREATE OR REPLACE FUNCTION raw.shape_advice(p_source text) RETURNS TABLE (fields text[], advice text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $shape_advice$
    SELECT ARRAY(SELECT DISTINCT split_part(n.name, '.', 1) FROM unnest(s.needs) AS n (name)),
           format('It looks like %s: register %s for it in staging.shapes (warehouse shape FILE)', s.description, s.routine)
    FROM shapes.shipped() s
    WHERE s.source = p_source
    ORDER BY cardinality(s.needs) DESC, s.routine;
$shape_advice$;
COMMENT ON FUNCTION raw.shape_advice(text) IS 'What to say of a file that is refused because its records are not in our form';

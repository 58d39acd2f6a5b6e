-- The function that puts the records of a delivery into our form; NULL if they are in it.
CREATE OR REPLACE FUNCTION raw._routine_of_load(p_load_id bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_routine_of_load$
    SELECT s.routine FROM raw.file_loads f CROSS JOIN LATERAL staging._shape_of(f.source, f.file_name) s WHERE f.load_id = p_load_id;
$_routine_of_load$;
COMMENT ON FUNCTION raw._routine_of_load(bigint) IS 'The function that puts the records of a delivery into our form; NULL if they are in it';

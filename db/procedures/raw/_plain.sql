-- A plain value as it is; an object or array, which is wrong here, becomes an empty object.
CREATE OR REPLACE FUNCTION raw._plain(p_value json) RETURNS json
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_plain$
    SELECT CASE WHEN json_typeof(p_value) IN ('object', 'array') THEN '{}'::json ELSE p_value END;
$_plain$;
COMMENT ON FUNCTION raw._plain(json) IS 'A plain value as it is; an object or array becomes an empty object';

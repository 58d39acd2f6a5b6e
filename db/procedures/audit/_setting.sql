-- A setting as a whole number; NULL is off.
--
-- Reads:  audit.settings
-- Errors: WH004 no such setting
CREATE OR REPLACE FUNCTION audit._setting(p_name text) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_setting$
DECLARE
    v_value text;
BEGIN
    SELECT s.value INTO v_value FROM audit.settings s WHERE s.name = p_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no setting %', p_name USING ERRCODE = 'WH004',
            HINT = 'SELECT name, value, description FROM audit.settings';
    END IF;
    RETURN v_value::integer;
END
$_setting$;
COMMENT ON FUNCTION audit._setting(text) IS 'A setting as a whole number; NULL is off';

-- The shop's time zone: setting time_zone. It stays as it is while a step, load or compaction works.
--
-- Reads:  audit.settings
-- Errors: WH004 somebody took the setting away
CREATE OR REPLACE FUNCTION staging.time_zone() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $time_zone$
DECLARE
    v_zone text := (SELECT s.value FROM audit.settings s WHERE s.name = 'time_zone');
BEGIN
    IF v_zone IS NULL THEN
        RAISE EXCEPTION 'there is no setting time_zone' USING ERRCODE = 'WH004',
            HINT = 'SELECT name, value, description FROM audit.settings';
    END IF;
    RETURN v_zone;
END
$time_zone$;
COMMENT ON FUNCTION staging.time_zone() IS 'The shop''s time zone: setting time_zone';

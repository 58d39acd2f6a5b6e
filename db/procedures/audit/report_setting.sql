-- A setting that the report names, for who may not read audit.settings: which currency, which time zone.
--
-- p_name:  currency or time_zone
-- Returns: its value; NULL where it is not set, and for every other name
-- Reads:   audit.settings
CREATE OR REPLACE FUNCTION audit.report_setting(p_name text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $report_setting$
    SELECT s.value FROM audit.settings s WHERE s.name = p_name AND p_name IN ('currency', 'time_zone');
$report_setting$;
COMMENT ON FUNCTION audit.report_setting(text) IS 'A setting that the report names: currency or time_zone';

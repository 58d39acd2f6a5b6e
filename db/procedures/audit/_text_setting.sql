-- A setting as text; NULL is off.
--
-- Reads: audit.settings
CREATE OR REPLACE FUNCTION audit._text_setting(p_name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_text_setting$
    SELECT s.value FROM audit.settings s WHERE s.name = p_name;
$_text_setting$;
COMMENT ON FUNCTION audit._text_setting(text) IS 'A setting as text; NULL is off';

-- Whether a trimmed value is a null marker: nobody and nothing. It looks it up each time; _unless_null does not.
--
-- Reads: staging.null_markers
CREATE OR REPLACE FUNCTION staging._is_null_marker(p_value text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_is_null_marker$
    SELECT octet_length(p_value) <= 64 AND EXISTS (SELECT FROM staging.null_markers m WHERE m.marker = lower(p_value COLLATE "C"));
$_is_null_marker$;
COMMENT ON FUNCTION staging._is_null_marker(text) IS 'Whether a trimmed value is a null marker';

-- Which staging a day has now: the versions of the sources by their position (orders, events, products), 0 where there is none.
--
-- Reads: raw.sources, staging.loads
CREATE OR REPLACE FUNCTION audit._staging_versions(p_load_date date) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_staging_versions$
BEGIN
    RETURN (SELECT array_agg(coalesce(l.staging_version, 0) ORDER BY s.position)
            FROM raw.sources s
            LEFT JOIN staging.loads l ON l.source = s.source AND l.load_date = p_load_date);
END
$_staging_versions$;
COMMENT ON FUNCTION audit._staging_versions(date) IS 'Which staging a day has now: the versions of orders, events and products';

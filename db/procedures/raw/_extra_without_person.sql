-- What is kept of an event's additional columns when its person is erased; NULL if nothing is.
CREATE OR REPLACE FUNCTION raw._extra_without_person(p_extra json) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_extra_without_person$
    SELECT CASE WHEN NOT staging._is_storable(p_extra::text) THEN NULL
                ELSE nullif(raw._fields_kept(p_extra, 'events', '{event}')::text, '{}')::json END;
$_extra_without_person$;
COMMENT ON FUNCTION raw._extra_without_person(json) IS 'What is kept of an event''s additional columns when its person is erased';

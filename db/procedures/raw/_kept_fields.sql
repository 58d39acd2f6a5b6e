-- The fields that the warehouse reads and that say nothing about a person: a value in them that looks like a user_id is not
-- one. For events these are only custom fields: the others have columns of their own in raw.
CREATE OR REPLACE FUNCTION raw._kept_fields() RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_kept_fields$
    SELECT coalesce(array_agg(DISTINCT f.field), '{}')
    FROM staging.fields f
    WHERE CASE WHEN f.column_name IS NULL THEN NOT f.is_personal ELSE f.source <> 'events' AND f.field <> 'user_id' END;
$_kept_fields$;
COMMENT ON FUNCTION raw._kept_fields() IS 'The fields that the warehouse reads, other than the user''s';

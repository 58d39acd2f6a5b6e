-- The columns of a table of staging, as a SELECT list from a reader called r; created_at and updated_at are now.
CREATE OR REPLACE FUNCTION staging._columns_read(p_parent regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_columns_read$
    SELECT string_agg(CASE WHEN a.attname IN ('created_at', 'updated_at') THEN format('now() AS %I', a.attname)
                           -- A function's result has no collation of its own.
                           WHEN a.attcollation <> t.typcollation THEN format('r.%1$I COLLATE %2$s AS %1$I', a.attname, a.attcollation::regcollation)
                           ELSE format('r.%I', a.attname) END, ', ' ORDER BY a.attnum)
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = p_parent AND a.attnum > 0 AND NOT a.attisdropped;
$_columns_read$;
COMMENT ON FUNCTION staging._columns_read(regclass) IS 'The columns of a table of staging, as a SELECT list from a reader';

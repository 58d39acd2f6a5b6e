-- The shape of a file: of the rows of staging.shapes whose pattern fits its name, the one of the least priority. No row: it is
-- in our own form.
CREATE OR REPLACE FUNCTION staging._shape_of(p_source text, p_file_name text) RETURNS SETOF staging.shapes
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_shape_of$
    SELECT s.*
    FROM staging.shapes s
    WHERE s.source = p_source AND staging._name_fits(p_file_name, s.file_pattern)
    ORDER BY s.priority, s.shape COLLATE "C"
    LIMIT 1;
$_shape_of$;
COMMENT ON FUNCTION staging._shape_of(text, text) IS 'The shape of a file: the first row of staging.shapes that fits its name';

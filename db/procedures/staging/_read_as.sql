-- How staging.shapes says that a file is to be read, as text to compare; NULL if it says nothing.
CREATE OR REPLACE FUNCTION staging._read_as(p_source text, p_file_name text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_read_as$
    SELECT nullif(jsonb_strip_nulls(jsonb_build_object(
               'records_path', s.records_path, 'encoding', s.encoding, 'delimiter', s.delimiter, 'quote', s.quote, 'escape', s.escape,
               -- A function may do without the fields by which our own form is known.
               'any_columns', nullif(s.routine IS NOT NULL, false))), '{}')::text
    FROM staging._shape_of(p_source, p_file_name) s;
$_read_as$;
COMMENT ON FUNCTION staging._read_as(text, text) IS 'How staging.shapes says that a file is to be read; NULL if it says nothing';

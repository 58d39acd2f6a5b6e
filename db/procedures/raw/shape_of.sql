-- What staging.shapes says of a file before it is read; no row if it says nothing.
--
-- Returns: where the records lie, how the text is encoded, the dialect of CSV; whether a function puts each record into our
--          form, so that the names of its fields may be any; and whether the file is meant by its name: * means none
-- Reads:   staging.shapes
CREATE OR REPLACE FUNCTION raw.shape_of(p_source text, p_file_name text)
RETURNS TABLE (is_mapped boolean, records_path text, encoding text, delimiter text, quote text, escape text, is_named boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $shape_of$
    SELECT s.routine IS NOT NULL, s.records_path, s.encoding, s.delimiter, s.quote, s.escape, s.file_pattern !~ '^[*]+$'
    FROM staging._shape_of(p_source, p_file_name) s;
$shape_of$;
COMMENT ON FUNCTION raw.shape_of(text, text) IS 'What staging.shapes says of a file before it is read';

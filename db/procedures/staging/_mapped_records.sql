-- What staging._map_records has made of the records of deliveries that have a shape, for the readers.
CREATE OR REPLACE FUNCTION staging._mapped_records() RETURNS TABLE (raw_id bigint, load_id bigint, line_number integer, record json)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_mapped_records$
BEGIN
    RETURN QUERY SELECT m.raw_id, m.load_id, m.line_number, m.record FROM pg_temp.mapped_records m ORDER BY m.raw_id;
END
$_mapped_records$;
COMMENT ON FUNCTION staging._mapped_records() IS 'What staging._map_records has made of records, for the readers';

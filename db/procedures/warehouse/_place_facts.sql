-- Puts a load in place: the partition that was built for it, without its superseded rows, or what p_owned gives. The day
-- comes last: readers wait while it is swapped, and nothing may make them wait longer.
--
-- p_key: tells the rows of the load apart;  p_built: rows of the partition that was built; 0 if none was
-- Errors: WH011 a dimension was not loaded, WH006 a swap did not get its locks
CREATE OR REPLACE FUNCTION warehouse._place_facts(p_facts regclass, p_load_date date, p_owned text, p_key text[], p_built bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_place_facts$
BEGIN
    IF p_built > 0 THEN
        EXECUTE format('DELETE FROM %s f USING pg_temp.superseded_rows s WHERE %s',
                       warehouse._partition_name(p_facts, p_load_date, 'day'),
                       (SELECT string_agg(format('f.%1$I = s.%1$I', k), ' AND ') FROM unnest(p_key) AS k));
        PERFORM warehouse._attach_day(p_facts, p_load_date);
    ELSIF warehouse._partition_of(p_facts, p_load_date) IS NOT NULL THEN
        PERFORM warehouse._publish_day(p_facts, p_load_date, p_owned, p_key, '{}');
    END IF;
EXCEPTION WHEN foreign_key_violation THEN
    PERFORM warehouse._refuse_without_dimensions(p_load_date, SQLERRM);
END
$_place_facts$;
COMMENT ON FUNCTION warehouse._place_facts(regclass, date, text, text[], bigint) IS 'Puts a load in place in the facts';

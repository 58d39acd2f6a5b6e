-- Builds a partition beside its parent from a query: filled, proved and indexed, not yet attached.
--
-- p_name:  qualified name of the table to make;  p_from, p_to: its load_dates, p_to not included
-- p_query: gives every column of the parent, by name. It may run on both cores: CREATE TABLE AS can, INSERT cannot.
-- Returns: the number of rows
-- Locks:   none that anybody else could wait for
CREATE OR REPLACE FUNCTION warehouse._build_partition(
    p_parent regclass, p_name text, p_from date, p_to date, p_query text
) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_build_partition$
DECLARE
    v_rows bigint;
BEGIN
    EXECUTE format('CREATE TABLE %s AS SELECT %s FROM (%s) AS q', p_name,
                   (SELECT string_agg(format('q.%I', a.attname), ', ' ORDER BY a.attnum)
                    FROM pg_attribute a WHERE a.attrelid = p_parent AND a.attnum > 0 AND NOT a.attisdropped),
                   p_query);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    PERFORM warehouse._constrain_partition(p_parent, p_name, p_from, p_to);
    RETURN v_rows;
END
$_build_partition$;
COMMENT ON FUNCTION warehouse._build_partition(regclass, text, date, date, text)
    IS 'Builds a partition beside its parent from a query: filled, proved and indexed, not yet attached';

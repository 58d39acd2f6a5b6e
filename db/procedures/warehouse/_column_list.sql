-- The columns of a table, quoted, in their order.
CREATE OR REPLACE FUNCTION warehouse._column_list(p_table regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_column_list$
    SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum)
    FROM pg_attribute a WHERE a.attrelid = p_table AND a.attnum > 0 AND NOT a.attisdropped;
$_column_list$;
COMMENT ON FUNCTION warehouse._column_list(regclass) IS 'The columns of a table, quoted, in their order';

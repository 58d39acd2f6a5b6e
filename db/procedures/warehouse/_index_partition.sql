-- Gives a filled table the indexes of its parent.
CREATE OR REPLACE FUNCTION warehouse._index_partition(p_parent regclass, p_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET maintenance_work_mem = '256MB'
AS $_index_partition$
DECLARE
    v_index text;
BEGIN
    FOR v_index IN
        SELECT format('CREATE %s INDEX ON %s %s', CASE WHEN i.indisunique THEN 'UNIQUE' END, p_name,
                      substring(pg_get_indexdef(i.indexrelid) FROM ' (USING .*)$'))
        FROM pg_index i WHERE i.indrelid = p_parent ORDER BY i.indexrelid
    LOOP
        EXECUTE v_index;
    END LOOP;
END
$_index_partition$;
COMMENT ON FUNCTION warehouse._index_partition(regclass, text) IS 'Gives a filled table the indexes of its parent';

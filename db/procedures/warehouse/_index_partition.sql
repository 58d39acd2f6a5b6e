-- Gives a filled table the indexes of its parent.
--
-- Each process that builds one sorts in 32 MB, the least that PostgreSQL allows them: what stays in the processor's caches is sorted
-- sooner than what does not. For five million rows 256 MB cost 6 % more CPU with a second process, and 14 % more without.
CREATE OR REPLACE FUNCTION warehouse._index_partition(p_parent regclass, p_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET maintenance_work_mem = '32MB'
AS $_index_partition$
DECLARE
    v_index text;
BEGIN
    PERFORM set_config('maintenance_work_mem', format('%sMB', 32 * (1 + current_setting('max_parallel_maintenance_workers')::integer)), true);
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

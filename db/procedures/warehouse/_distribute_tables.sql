-- The work of warehouse.distribute, once: dimensions first, because shards refer to the copies beside them. Foreign keys are taken
-- away and made again: while some tables are moved and some are not, Citus refuses them.
CREATE OR REPLACE FUNCTION warehouse._distribute_tables(p_shards integer, p_key text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = 'warning' SET maintenance_work_mem = '256MB'
AS $_distribute_tables$
DECLARE
    v_keys  text[];
    v_key   text;
    v_table record;
    v_first regclass;
BEGIN
    SELECT array_agg(format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
                     ORDER BY k.conrelid::regclass::text, k.conname)
    INTO v_keys
    FROM pg_constraint k JOIN warehouse._placements(p_key) p ON p.relation = k.conrelid
    WHERE k.contype = 'f' AND k.conparentid = 0;
    FOR v_key IN
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname)
        FROM pg_constraint k JOIN warehouse._placements(p_key) p ON p.relation = k.conrelid
        WHERE k.contype = 'f' AND k.conparentid = 0
    LOOP
        EXECUTE v_key;
    END LOOP;

    FOR v_table IN SELECT p.relation, p.distribution_column FROM warehouse._placements(p_key) p WHERE p.distribution_column IS NULL LOOP
        EXECUTE 'SELECT create_reference_table($1)' USING v_table.relation;
    END LOOP;
    FOR v_table IN SELECT p.relation, p.distribution_column FROM warehouse._placements(p_key) p WHERE p.distribution_column IS NOT NULL LOOP
        PERFORM warehouse._widen_unique_indexes(v_table.relation, v_table.distribution_column);
        IF v_first IS NULL THEN
            EXECUTE 'SELECT create_distributed_table($1, $2, colocate_with => ''none'', shard_count => $3)'
            USING v_table.relation, v_table.distribution_column::text, p_shards;
            v_first := v_table.relation;
        ELSE
            EXECUTE 'SELECT create_distributed_table($1, $2, colocate_with => $3)'
            USING v_table.relation, v_table.distribution_column::text, v_first::text;
        END IF;
    END LOOP;
    FOREACH v_key IN ARRAY v_keys LOOP
        EXECUTE v_key;
    END LOOP;
    -- The rows that the coordinator keeps beside them, and nobody sees any more.
    FOR v_table IN
        SELECT p.relation FROM warehouse._placements(p_key) p JOIN pg_class c ON c.oid = p.relation AND c.relkind = 'r'
        UNION ALL
        SELECT t.partition FROM warehouse._partitions() t JOIN warehouse._placements(p_key) p ON p.relation = t.parent
    LOOP
        EXECUTE 'SELECT truncate_local_data_after_distributing_table($1)' USING v_table.relation;
    END LOOP;
END
$_distribute_tables$;
COMMENT ON FUNCTION warehouse._distribute_tables(integer, text) IS 'The work of warehouse.distribute: moves dimensions and facts to the nodes';

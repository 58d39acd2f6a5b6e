-- Adds a column to those unique indexes of a partitioned table that do not have it: only so can each shard keep its rows unique.
-- An order has one customer in a load, and so has an event: what was unique before is unique with the customer, too.
CREATE OR REPLACE FUNCTION warehouse._widen_unique_indexes(p_table regclass, p_column name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_widen_unique_indexes$
DECLARE
    v_index record;
BEGIN
    FOR v_index IN
        SELECT i.indexrelid::regclass::text AS name, obj_description(c.oid, 'pg_class') AS says,
               regexp_replace(pg_get_indexdef(i.indexrelid), '\)$', format(', %I)', p_column)) AS definition
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = p_table AND i.indisunique
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = p_table AND a.attname = p_column AND a.attnum = ANY (i.indkey))
    LOOP
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', p_table);
        EXECUTE format('DROP INDEX %s', v_index.name);
        EXECUTE v_index.definition;
        EXECUTE format('COMMENT ON INDEX %s IS %L', v_index.name, v_index.says);
    END LOOP;
END
$_widen_unique_indexes$;
COMMENT ON FUNCTION warehouse._widen_unique_indexes(regclass, name) IS 'Adds a column to those unique indexes of a partitioned table that do not have it';

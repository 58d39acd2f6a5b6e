-- Spreads the facts over the workers of a Citus cluster, and puts a copy of the dimensions on every node; the rest stays on the
-- coordinator. Empty or loaded, the warehouse has the same content before and after. It takes as long as copying the facts.
-- On one server nothing of this is needed.
--
-- p_shards: shards per partition of facts; NULL: as it is, else 8
-- p_key:    order: facts by order_id and event_id, which are even; user: by user_id, for questions about users over time; NULL: as it is
-- Returns:  the tables that it is about, where they are now, and the number of shards
-- Locks:    the warehouse (advisory, exclusive): call it alone; the tables
-- Errors:   WH021 no Citus or no worker; WH004 other shards or another key than before; WH006 the warehouse stayed in use
-- Safe to repeat: what is distributed already stays as it is. After an upgrade it hands the workers what is new; after shards were
--                 moved, it gives them their rights again.
CREATE OR REPLACE FUNCTION warehouse.distribute(p_shards integer DEFAULT NULL, p_key text DEFAULT NULL)
RETURNS TABLE (table_name text, placed text, shards bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET client_min_messages = 'warning'
AS $distribute$
DECLARE
    v_column name;
    v_shards bigint;
BEGIN
    IF p_shards NOT BETWEEN 1 AND 64000 OR p_key NOT IN ('order', 'user') THEN
        PERFORM warehouse._refuse_distribution(p_shards, p_key, 'There are 1 to 64000 shards, by order or by user.');
    END IF;
    PERFORM warehouse._refuse_without_workers();
    PERFORM warehouse._lock_warehouse_exclusive();

    v_column := warehouse._distribution_column('warehouse.fact_orders');
    IF v_column IS NULL THEN
        PERFORM warehouse._distribute_tables(coalesce(p_shards, 8), coalesce(p_key, 'order'));
    ELSE
        EXECUTE 'SELECT count(*) FROM pg_dist_shard s WHERE s.logicalrelid = $1' INTO v_shards USING 'warehouse.fact_orders'::regclass;
        IF p_shards <> v_shards OR p_key <> (CASE v_column WHEN 'user_id' THEN 'user' ELSE 'order' END) THEN
            PERFORM warehouse._refuse_distribution(p_shards, p_key, format('They are distributed already, by %s into %s shards.', v_column, v_shards));
        END IF;
    END IF;
    -- The one function that statements run on the workers.
    PERFORM warehouse._distribute_function('warehouse._is_newer(timestamptz, date, text, timestamptz, date, text)');
    PERFORM warehouse._open_shards();

    RETURN QUERY EXECUTE
        'SELECT p.relation::text, coalesce(''shards by '' || column_to_column_name(d.logicalrelid, d.partkey), ''a copy on every node''),
                (SELECT count(*) FROM pg_dist_shard s WHERE s.logicalrelid = p.relation)
         FROM warehouse._placements(''order'') AS p JOIN pg_dist_partition d ON d.logicalrelid = p.relation ORDER BY p.relation::text';
END
$distribute$;
COMMENT ON FUNCTION warehouse.distribute(integer, text) IS 'Spreads the facts over the workers of a Citus cluster, and puts a copy of the dimensions on every node';

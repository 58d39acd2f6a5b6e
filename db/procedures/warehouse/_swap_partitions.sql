-- Puts a partition that was built beside its parent in the place of others, and drops those.
CREATE OR REPLACE FUNCTION warehouse._swap_partitions(
    p_parent regclass, p_old regclass[], p_new text, p_name text, p_from date, p_to date
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_swap_partitions$
DECLARE
    v_key       record;
    v_relations regclass[];
    -- Shards take long to drop, and readers would wait for it: _drop_replaced does it, when compute_daily_metrics has proved the day.
    v_is_spread constant boolean := warehouse._distribution_column(p_parent) IS NOT NULL;
BEGIN
    -- Whoever writes a dimension reads it first. A writer that came in between would wait for the foreign keys made below,
    -- and block the swap for as long: so writers and swaps take turns. In the order of names, as everywhere.
    PERFORM warehouse._lock_publishing(d.dimension)
    FROM (SELECT k.confrelid::regclass AS dimension FROM pg_constraint k
          WHERE k.conrelid = p_parent AND k.contype = 'f' ORDER BY k.confrelid::regclass::text COLLATE "C") AS d;

    -- Foreign keys are proved before the lock on the parent is asked for: readers wait for the catalog only.
    FOR v_key IN SELECT k.conname, pg_get_constraintdef(k.oid) AS definition, k.confrelid::regclass AS dimension
                 FROM pg_constraint k WHERE k.conrelid = p_parent AND k.contype = 'f' ORDER BY k.conname LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', p_new, v_key.conname, v_key.definition);
        v_relations := v_relations || v_key.dimension;
    END LOOP;

    PERFORM warehouse._execute_or_give_up(
        format('swap of %s', p_name),
        p_parent || p_old || v_relations,
        (SELECT array_agg(format('ALTER TABLE %s DETACH PARTITION %s', p_parent, o)) FROM unnest(p_old) AS o)
        || format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', p_parent, p_new, p_from, p_to)
        || (SELECT array_agg(CASE WHEN v_is_spread THEN format('ALTER TABLE %s RENAME TO %I', o, 'replaced_' || o::oid)
                                  ELSE format('SELECT warehouse._drop_partition(%L::pg_catalog.regclass)', o) END) FROM unnest(p_old) AS o)
        || format('ALTER TABLE %s RENAME TO %I', p_new, split_part(p_name, '.', 2)));
END
$_swap_partitions$;
COMMENT ON FUNCTION warehouse._swap_partitions(regclass, regclass[], text, text, date, date)
    IS 'Puts a partition that was built beside its parent in the place of others, and drops those';

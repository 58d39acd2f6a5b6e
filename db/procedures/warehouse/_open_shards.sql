-- On a cluster: lets logins of BI tools read the shards of the facts. A worker checks the rights of who asks, not those of the owner
-- of the view; the coordinator refuses them the facts all the same. But there are ways around the coordinator (run_command_on_workers,
-- functions that run a text on a worker), so the shards of a fact are open only while they hold no more than its views show: as
-- soon as a custom field is personal, they are closed, and with them the views. Partitions are reached through their parents.
-- On one server it does nothing.
--
-- Called by: warehouse.distribute; a trigger on staging.fields
-- Reads:     staging.fields
-- Writes:    rights on shards, in this transaction
-- Locks:     one session at a time (advisory), until the transaction ends: it reads what others have committed
-- Safe to repeat: it says what the rights are, not how they change
CREATE OR REPLACE FUNCTION warehouse._open_shards() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = 'warning'
AS $_open_shards$
DECLARE
    v_fact        record;
    v_propagation text;
BEGIN
    IF NOT warehouse._is_on_cluster() THEN
        RETURN;
    END IF;
    PERFORM warehouse._wait_for_lock('shards', 0, 'the rights on shards');
    PERFORM warehouse._use_workers(true);
    v_propagation := current_setting('citus.enable_ddl_propagation');
    FOR v_fact IN
        SELECT f.relation, EXISTS (SELECT FROM staging.fields k
                                   WHERE k.source = f.source AND k.is_personal AND k.column_name IS NULL) AS is_personal
        FROM (VALUES ('warehouse.fact_orders'::regclass, 'orders'), ('warehouse.fact_events', 'events')) AS f (relation, source)
        WHERE warehouse._distribution_column(f.relation) IS NOT NULL
    LOOP
        PERFORM set_config('citus.enable_ddl_propagation', 'on', true);
        EXECUTE format(CASE WHEN v_fact.is_personal THEN 'REVOKE SELECT ON TABLE %s FROM warehouse_bi'
                            ELSE 'GRANT SELECT ON TABLE %s TO warehouse_bi' END, v_fact.relation);
        -- The coordinator's own table stays closed: this is what refuses them the facts.
        PERFORM set_config('citus.enable_ddl_propagation', 'off', true);
        EXECUTE format('REVOKE SELECT ON TABLE %s FROM warehouse_bi', v_fact.relation);
        PERFORM set_config('citus.enable_ddl_propagation', v_propagation, true);
    END LOOP;
END
$_open_shards$;
COMMENT ON FUNCTION warehouse._open_shards() IS 'On a cluster: lets logins of BI tools read the shards of the facts, while they hold no more than the views show';

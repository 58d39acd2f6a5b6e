-- Where a cluster keeps the tables that warehouse.distribute moves: facts in shards on the workers, by the column that is named;
-- dimensions as a copy on every node, which have no such column. Everything else stays on the coordinator.
--
-- p_key: order: by order_id and event_id; user: by user_id
CREATE OR REPLACE FUNCTION warehouse._placements(p_key text) RETURNS TABLE (relation regclass, distribution_column name)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_placements$
    VALUES ('warehouse.dim_date'::regclass, NULL::name),
           ('warehouse.dim_product', NULL),
           ('warehouse.dim_product_history', NULL),
           ('warehouse.dim_user', NULL),
           ('warehouse.fact_events', CASE p_key WHEN 'user' THEN 'user_id' ELSE 'event_id' END),
           ('warehouse.fact_orders', CASE p_key WHEN 'user' THEN 'user_id' ELSE 'order_id' END);
$_placements$;
COMMENT ON FUNCTION warehouse._placements(text) IS 'Where a cluster keeps the tables that warehouse.distribute moves';

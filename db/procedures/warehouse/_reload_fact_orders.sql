-- Worker of reload_fact_orders: puts the order lines of a load in place of what that load brought before.
--
-- Reads:  staging.orders_clean of the day
-- Writes: warehouse.fact_orders, warehouse.orders_superseded, warehouse.order_owners, warehouse.daily_products, daily_order_statuses and the
--         fact figures of warehouse.daily_metrics: of the day, and of the days that orders moved from or to
-- Locks:  fact_orders' publish lock (advisory) once the partition is built, and that of
--         daily_metrics before rows move, until the transaction ends; what warehouse._publish_day takes
-- Errors: WH006 a swap did not get its locks, WH011 a dimension was not loaded
-- Safe to repeat: an order belongs to the load whose report of it ranks highest among those that have a clean line of it, whatever
-- the order of loading. Reports rank by (updated_at, load_date); for one without updated_at the end of its day stands for it. So
-- without updated_at it is the greatest load_date; with it, an earlier load may own what a later one reports, too.
--
-- A load takes over the orders in which it outranks their owner, keeps the others in orders_superseded, and gives back those
-- that it no longer has, or in which it no longer ranks highest. Only the orders of this load are looked up, never the history.
--
-- Passed in temporary tables, to _find_contested_orders, _give_owners_back and _take_owners_over here and to _place_facts.sql:
--   loaded_keys (order_id, source_updated_at, is_odd)        the orders of this load; is_odd: read by _write_order_figures
--   contested_orders (order_id, owner_date, is_ours)         those that another load owns; whether this load outranks it
--   owned_before (order_id)                                  the orders of this load in the facts, as they were
--   gone_orders (order_id)                                   orders that this load had and no longer has
--   superseded_rows (columns of the facts)                   its lines while the report of another load counts
--   given_back (order_id, load_date, source_updated_at)      orders that it gives back, and to which load
--   taken_over (order_id, load_date)                         orders that it takes over, and from which load
--   taken_rows, given_rows                   the rows that moved: made by _move_rows, read by _write_order_figures
CREATE OR REPLACE FUNCTION warehouse._reload_fact_orders(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_reload_fact_orders$
DECLARE
    v_live   regclass;
    v_lines  text;
    v_owned  text;
    v_built  bigint := 0;
    v_result audit.step_result;
BEGIN
    v_live := warehouse._partition_of('warehouse.fact_orders', p_load_date);
    v_lines := warehouse._facts_of_day('staging.order_facts', 'staging.orders_clean', p_load_date);

    -- What only this day's staging decides is done before the lock is taken; parallel days wait only for the short rest.
    IF v_live IS NULL THEN
        v_built := warehouse._build_day('warehouse.fact_orders', p_load_date, v_lines);
    END IF;
    -- In the order of the owners' index: each of its pages is looked for once. Each product of an order sets one of 64 bits: if there are
    -- as many bits as lines, no product is there twice. By sorting, or by staging's index: the planner, who expects a tenth of the
    -- orders from so small a sample, would hash them.
    SET LOCAL enable_hashagg TO off;
    EXECUTE format('CREATE TEMPORARY TABLE loaded_keys ON COMMIT DROP AS
                    SELECT l.order_id, min(l.source_updated_at) AS source_updated_at,
                           min(l.line_number) <> 1
                           OR count(*) > 1 AND bit_count(bit_or(1::bigint << (hashtextextended(l.product_id, 0) & 63)::integer)::bit(64)) < count(*) AS is_odd
                    FROM (%s) AS l GROUP BY l.order_id ORDER BY l.order_id', v_lines);
    SET LOCAL enable_hashagg TO DEFAULT;
    ANALYZE pg_temp.loaded_keys (order_id, is_odd);
    PERFORM warehouse._lock_publishing('warehouse.fact_orders');

    CREATE TEMPORARY TABLE given_back (order_id text COLLATE "C", load_date date, source_updated_at timestamptz) ON COMMIT DROP;
    PERFORM warehouse._find_contested_orders(p_load_date);

    -- Orders in which another load ranks higher: its lines are in force, ours are kept as superseded.
    EXECUTE format('CREATE TEMPORARY TABLE superseded_rows ON COMMIT DROP AS SELECT l.* FROM (%s) AS l
                    WHERE l.order_id IN (SELECT c.order_id FROM pg_temp.contested_orders c WHERE NOT c.is_ours)', v_lines);
    PERFORM warehouse._replace_superseded('warehouse.orders_superseded', p_load_date);

    -- The orders in this load's facts; those that it no longer has go back to the highest ranking load that has them.
    CREATE TEMPORARY TABLE owned_before (order_id text COLLATE "C") ON COMMIT DROP;
    IF v_live IS NOT NULL THEN
        EXECUTE format('INSERT INTO pg_temp.owned_before (order_id) SELECT DISTINCT l.order_id FROM %s l WHERE l.load_date = %L',
                       v_live, p_load_date);
        ANALYZE pg_temp.owned_before;
        CREATE TEMPORARY TABLE gone_orders ON COMMIT DROP AS
        SELECT o.order_id FROM pg_temp.owned_before o
        WHERE NOT EXISTS (SELECT FROM pg_temp.loaded_keys k WHERE k.order_id = o.order_id);
        PERFORM warehouse._give_owners_back(p_load_date);
        DROP TABLE pg_temp.gone_orders;
    END IF;

    PERFORM warehouse._take_owners_over(p_load_date);
    -- Orders that nobody owns yet. In index order, as loaded_keys was made, each page is looked for once; a join would lose that order.
    EXECUTE format('INSERT INTO warehouse.order_owners (order_id, load_date, source_updated_at)
                    SELECT k.order_id, $1, k.source_updated_at FROM pg_temp.loaded_keys k %s',
                   CASE WHEN v_live IS NOT NULL OR EXISTS (SELECT FROM pg_temp.contested_orders)
                        THEN 'WHERE NOT EXISTS (SELECT FROM pg_temp.contested_orders c WHERE c.order_id = k.order_id)
                                AND NOT EXISTS (SELECT FROM pg_temp.owned_before o WHERE o.order_id = k.order_id)
                              ORDER BY k.order_id' END)
    USING p_load_date;

    v_owned := v_lines;
    IF EXISTS (SELECT FROM pg_temp.contested_orders c WHERE NOT c.is_ours) THEN
        v_owned := format('SELECT l.* FROM (%s) AS l
                           WHERE NOT EXISTS (SELECT FROM pg_temp.contested_orders c WHERE c.order_id = l.order_id AND NOT c.is_ours)', v_lines);
    END IF;
    CREATE TEMPORARY TABLE taken_over ON COMMIT DROP AS
    SELECT c.order_id, c.owner_date AS load_date FROM pg_temp.contested_orders c WHERE c.is_ours;
    PERFORM warehouse._move_rows('warehouse.fact_orders', 'warehouse.orders_superseded', ARRAY['order_id']);
    v_result := warehouse._write_order_figures(p_load_date, v_owned);
    PERFORM warehouse._place_facts('warehouse.fact_orders', p_load_date, v_owned, ARRAY['order_id', 'line_number'], v_built);
    DROP TABLE pg_temp.loaded_keys, pg_temp.owned_before, pg_temp.contested_orders, pg_temp.superseded_rows, pg_temp.given_back, pg_temp.taken_over,
               pg_temp.taken_rows, pg_temp.given_rows;
    RETURN v_result;
END
$_reload_fact_orders$;
COMMENT ON FUNCTION warehouse._reload_fact_orders(date)
    IS 'Worker of reload_fact_orders: puts the order lines of a load in place of what that load brought before';

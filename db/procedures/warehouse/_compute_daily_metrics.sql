-- Worker of compute_daily_metrics: proves that nothing of the day was lost, and removes members that no fact needs.
-- The row of daily_metrics is completed when the driver closes the run, a moment later, with its runtime.
--
-- Reads:  staging.loads, the facts of the day, warehouse.daily_metrics (whose fact figures are written by the fact steps)
-- Writes: warehouse.dim_user, warehouse.dim_product: members that no load mentions any more
-- Errors: WH012 clean lines are not facts + superseded, or the facts were not loaded
CREATE OR REPLACE FUNCTION warehouse._compute_daily_metrics(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_compute_daily_metrics$
DECLARE
    v_source     text;
    v_clean      bigint;
    v_facts      bigint;
    v_superseded bigint;
    v_result     audit.step_result;
BEGIN
    -- Counted in one statement, because rows and figures of a day change together. No loop: a cursor uses one core only.
    EXECUTE format($query$
        SELECT c.source, c.clean_count, c.fact_count, c.superseded_count
        FROM (
            SELECT l.source, l.clean_count,
                   CASE l.source WHEN 'orders' THEN (SELECT count(*) FROM %1$s f WHERE f.load_date = %3$L)
                                 ELSE (SELECT count(*) FROM %2$s f WHERE f.load_date = %3$L) END AS fact_count,
                   CASE l.source WHEN 'orders' THEN m.fact_orders_count ELSE m.fact_events_count END AS fact_figure,
                   CASE l.source WHEN 'orders' THEN m.superseded_orders_count ELSE m.superseded_events_count END AS superseded_count
            FROM staging.loads l
            LEFT JOIN warehouse.daily_metrics m ON m.run_date = l.load_date
            WHERE l.source IN ('orders', 'events') AND l.load_date = %3$L
        ) AS c
        -- Each mention of fact_count counts the facts once more.
        WHERE c.clean_count IS DISTINCT FROM c.fact_figure + c.superseded_count OR c.fact_count IS DISTINCT FROM c.fact_figure
        ORDER BY c.source LIMIT 1
        $query$, coalesce(warehouse._partition_of('warehouse.fact_orders', p_load_date), 'warehouse.fact_orders'),
        coalesce(warehouse._partition_of('warehouse.fact_events', p_load_date), 'warehouse.fact_events'), p_load_date)
    INTO v_source, v_clean, v_facts, v_superseded;
    IF v_source IS NOT NULL THEN
        RAISE EXCEPTION 'not all clean % of % are in the facts', v_source, p_load_date USING ERRCODE = 'WH012',
            DETAIL = format('Clean %s, facts %s, superseded by other loads %s.', v_clean,
                            v_facts, coalesce(v_superseded, 0)),
            HINT = format('CALL warehouse.reload_fact_%s(%L);', v_source, p_load_date);
    END IF;

    IF EXISTS (SELECT FROM warehouse.unseen_members) THEN
        PERFORM warehouse._remove_unseen_members();
    END IF;
    IF warehouse._is_on_cluster() THEN
        PERFORM warehouse._drop_replaced();
    END IF;

    SELECT coalesce(sum(l.delivered_count), 0), 1, coalesce(sum(l.rejected_count), 0), coalesce(sum(l.duplicate_count), 0)
    INTO v_result.rows_in, v_result.rows_out, v_result.rows_rejected, v_result.rows_duplicate
    FROM staging.loads l WHERE l.source IN ('orders', 'events') AND l.load_date = p_load_date;
    RETURN v_result;
END
$_compute_daily_metrics$;
COMMENT ON FUNCTION warehouse._compute_daily_metrics(date)
    IS 'Worker of compute_daily_metrics: proves that nothing of the day was lost, and removes members that no fact needs';

-- Removes members that no load mentions any more, once no fact refers to them. They are rare: only a correction leaves one.
-- Superseded rows count too: if a day has loaded its dimensions but not its facts, they may come back as facts.
CREATE OR REPLACE FUNCTION warehouse._remove_unseen_members() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_remove_unseen_members$
DECLARE
    v_members text[];
BEGIN
    -- Locked before the dimensions: a swap of facts that is under way must not wait for us while we wait for its figures.
    PERFORM warehouse._lock_publishing('warehouse.daily_metrics');
    -- By name: this is the order in which ATTACH locks foreign keys, and a swap takes these locks.
    PERFORM warehouse._lock_publishing('warehouse.dim_product');
    PERFORM warehouse._lock_publishing('warehouse.dim_user');

    -- Ids, not joins: facts and dimensions may be on other machines than the rest.
    v_members := ARRAY(
        SELECT m.member_id FROM warehouse.unseen_members m
        WHERE m.dimension = 'product'
          AND NOT EXISTS (SELECT FROM warehouse.orders_superseded o WHERE o.product_id = m.member_id)
          AND NOT EXISTS (SELECT FROM warehouse.events_superseded e WHERE e.product_id = m.member_id));
    v_members := ARRAY(
        SELECT m.member_id FROM unnest(v_members) AS m (member_id)
        EXCEPT SELECT f.product_id FROM warehouse.fact_orders f WHERE f.product_id = ANY (v_members)
        EXCEPT SELECT f.product_id FROM warehouse.fact_events f WHERE f.product_id = ANY (v_members));
    DELETE FROM warehouse.dim_product d WHERE d.product_id = ANY (v_members);
    DELETE FROM warehouse.unseen_members m WHERE m.dimension = 'product' AND m.member_id = ANY (v_members);

    v_members := ARRAY(
        SELECT m.member_id FROM warehouse.unseen_members m
        WHERE m.dimension = 'user'
          AND NOT EXISTS (SELECT FROM warehouse.orders_superseded o WHERE o.user_id = m.member_id)
          AND NOT EXISTS (SELECT FROM warehouse.events_superseded e WHERE e.user_id = m.member_id));
    v_members := ARRAY(
        SELECT m.member_id FROM unnest(v_members) AS m (member_id)
        EXCEPT SELECT f.user_id FROM warehouse.fact_orders f WHERE f.user_id = ANY (v_members)
        EXCEPT SELECT f.user_id FROM warehouse.fact_events f WHERE f.user_id = ANY (v_members));
    DELETE FROM warehouse.dim_user d WHERE d.user_id = ANY (v_members);
    DELETE FROM warehouse.unseen_members m WHERE m.dimension = 'user' AND m.member_id = ANY (v_members);
END
$_remove_unseen_members$;
COMMENT ON FUNCTION warehouse._remove_unseen_members() IS 'Removes members that no load mentions any more, once no fact refers to them';

-- Worker of reload_fact_orders: the order lines of a load, in the place of what that load brought before.
--
-- Reads:  staging.orders_clean of the day
-- Writes: warehouse.fact_orders, warehouse.orders_superseded, warehouse.order_owners, the fact figures of
--         warehouse.daily_metrics: of the day, and of the days that orders moved from or to
-- Locks:  fact_orders' publish lock (advisory) once the partition is built, and that of
--         daily_metrics before rows move, until the transaction ends; what warehouse._publish_day takes
-- Errors: WH006 a swap did not get its locks, WH011 a dimension was not loaded
-- Safe to repeat: an order belongs to the greatest load_date that has a clean line of it, whatever the order of loading.
--
-- A load takes over the orders that earlier loads had, hands those that later loads have to orders_superseded, and
-- gives back what it had and has no more. Only the orders of this load are looked up, never the history.
--
-- Passed in temporary tables, to _find_contested_orders, _give_owners_back and _take_owners_over here and to _move_facts.sql:
--   loaded_keys (order_id)                   the orders of this load
--   contested_orders (order_id, owner_date)  those that another load owns
--   gone_orders (order_id)                   what this load had and has no more
--   superseded_rows (columns of the facts)   its lines that a later load has in force
--   given_back (order_id, load_date)         what it gives back, and to which load
--   taken_over (order_id, load_date)         what it takes over, and from which load
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

    -- The work of a first load is done before the lock is taken; days side by side wait for the short rest only.
    IF v_live IS NULL THEN
        v_built := warehouse._build_day('warehouse.fact_orders', p_load_date, v_lines);
    END IF;
    PERFORM warehouse._lock_publishing('warehouse.fact_orders');

    EXECUTE format('CREATE TEMPORARY TABLE loaded_keys ON COMMIT DROP AS SELECT DISTINCT l.order_id FROM (%s) AS l', v_lines);
    ANALYZE pg_temp.loaded_keys;
    PERFORM warehouse._find_contested_orders(p_load_date);

    -- What later loads have: their lines are in force, ours are kept beside.
    EXECUTE format('CREATE TEMPORARY TABLE superseded_rows ON COMMIT DROP AS SELECT l.* FROM (%s) AS l
                    WHERE l.order_id IN (SELECT c.order_id FROM pg_temp.contested_orders c WHERE c.owner_date > %L)', v_lines, p_load_date);
    PERFORM warehouse._replace_superseded('warehouse.orders_superseded', p_load_date);

    -- What this load had and has no more goes back to the last earlier load that has it.
    CREATE TEMPORARY TABLE given_back (order_id text COLLATE "C", load_date date) ON COMMIT DROP;
    IF v_live IS NOT NULL THEN
        EXECUTE format($query$
            CREATE TEMPORARY TABLE gone_orders ON COMMIT DROP AS
            SELECT DISTINCT l.order_id FROM %s l
            WHERE l.load_date = %L AND NOT EXISTS (SELECT FROM pg_temp.loaded_keys k WHERE k.order_id = l.order_id)
            $query$, v_live, p_load_date);
        PERFORM warehouse._give_owners_back(p_load_date);
        DROP TABLE pg_temp.gone_orders;
    END IF;

    PERFORM warehouse._take_owners_over(p_load_date);
    -- What nobody owns yet: what this load owned before is in its facts. In the order of the index each page of it is
    -- looked for once.
    EXECUTE format('INSERT INTO warehouse.order_owners (order_id, load_date)
                    SELECT k.order_id, %1$L FROM pg_temp.loaded_keys k
                    WHERE NOT EXISTS (SELECT FROM pg_temp.contested_orders c WHERE c.order_id = k.order_id) %2$s
                    ORDER BY k.order_id', p_load_date,
                   CASE WHEN v_live IS NOT NULL THEN
                       format('AND NOT EXISTS (SELECT FROM %s l WHERE l.load_date = %L AND l.order_id = k.order_id)', v_live, p_load_date)
                   END);

    v_owned := v_lines;
    IF EXISTS (SELECT FROM pg_temp.contested_orders c WHERE c.owner_date > p_load_date) THEN
        v_owned := format('SELECT l.* FROM (%s) AS l
                           WHERE NOT EXISTS (SELECT FROM pg_temp.contested_orders c WHERE c.order_id = l.order_id AND c.owner_date > %L)',
                          v_lines, p_load_date);
    END IF;
    CREATE TEMPORARY TABLE taken_over ON COMMIT DROP AS
    SELECT c.order_id, c.owner_date AS load_date FROM pg_temp.contested_orders c WHERE c.owner_date < p_load_date;
    PERFORM warehouse._move_rows('warehouse.fact_orders', 'warehouse.orders_superseded', ARRAY['order_id']);
    v_result := warehouse._write_order_figures(p_load_date, v_owned);
    PERFORM warehouse._place_facts('warehouse.fact_orders', p_load_date, v_owned, ARRAY['order_id', 'line_number'], v_built);
    DROP TABLE pg_temp.loaded_keys, pg_temp.contested_orders, pg_temp.superseded_rows, pg_temp.given_back, pg_temp.taken_over,
               pg_temp.taken_rows, pg_temp.given_rows;
    RETURN v_result;
END
$_reload_fact_orders$;
COMMENT ON FUNCTION warehouse._reload_fact_orders(date)
    IS 'Worker of reload_fact_orders: the order lines of a load, in the place of what that load brought before';

-- Which orders of pg_temp.loaded_keys another load owns, as pg_temp.contested_orders. Looked up one by one: the cost is
-- that of the load, not of the history.
CREATE OR REPLACE FUNCTION warehouse._find_contested_orders(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = on
AS $_find_contested_orders$
BEGIN
    CREATE TEMPORARY TABLE contested_orders ON COMMIT DROP AS
    SELECT k.order_id, w.load_date AS owner_date
    FROM pg_temp.loaded_keys k
    JOIN warehouse.order_owners w ON w.order_id = k.order_id
    WHERE w.load_date <> p_load_date;
    ANALYZE pg_temp.contested_orders;
END
$_find_contested_orders$;
COMMENT ON FUNCTION warehouse._find_contested_orders(date) IS 'Which orders of this load another load owns';

-- Makes the last earlier load that has them the owner of pg_temp.gone_orders, as pg_temp.given_back says afterwards;
-- an order that no other load has is owned by none. Looked up one by one.
CREATE OR REPLACE FUNCTION warehouse._give_owners_back(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off
AS $_give_owners_back$
BEGIN
    ANALYZE pg_temp.gone_orders;
    INSERT INTO pg_temp.given_back (order_id, load_date)
    SELECT g.order_id, s.load_date
    FROM pg_temp.gone_orders g
    CROSS JOIN LATERAL (
        SELECT o.load_date FROM warehouse.orders_superseded o
        WHERE o.order_id = g.order_id AND o.load_date < p_load_date
        ORDER BY o.load_date DESC LIMIT 1
    ) AS s;
    ANALYZE pg_temp.given_back;
    UPDATE warehouse.order_owners w SET load_date = g.load_date FROM pg_temp.given_back g WHERE w.order_id = g.order_id;
    DELETE FROM warehouse.order_owners w USING pg_temp.gone_orders g
    WHERE w.order_id = g.order_id AND w.load_date = p_load_date;
END
$_give_owners_back$;
COMMENT ON FUNCTION warehouse._give_owners_back(date) IS 'Makes the last earlier load that has them the owner of orders that this load has no more';

-- Makes this load the owner of the orders that earlier loads had. Looked up one by one.
CREATE OR REPLACE FUNCTION warehouse._take_owners_over(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off
AS $_take_owners_over$
BEGIN
    UPDATE warehouse.order_owners w SET load_date = p_load_date
    FROM pg_temp.contested_orders c WHERE w.order_id = c.order_id AND c.owner_date < p_load_date;
END
$_take_owners_over$;
COMMENT ON FUNCTION warehouse._take_owners_over(date) IS 'Makes this load the owner of the orders that earlier loads had';

-- The fact figures of a load's day, and the change of those of the days that orders moved from or to.
-- p_query: gives the lines of the load that are in the facts
CREATE OR REPLACE FUNCTION warehouse._write_order_figures(p_load_date date, p_query text) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_write_order_figures$
DECLARE
    v_result audit.step_result;
BEGIN
    EXECUTE format($query$
        INSERT INTO warehouse.daily_metrics AS m (run_date, status, fact_orders_count, superseded_orders_count, revenue, net_revenue, sale_statuses)
        SELECT %2$L, 'running', count(*), (SELECT count(*) FROM warehouse.orders_superseded o WHERE o.load_date = %2$L),
               trim_scale(coalesce(sum(f.revenue), 0)), trim_scale(coalesce(sum(f.revenue) FILTER (WHERE s.counts_as_sale), 0)),
               (SELECT coalesce(array_agg(k.status ORDER BY k.status), '{}') FROM warehouse.order_statuses k WHERE k.counts_as_sale)
        FROM (%1$s) AS f
        JOIN warehouse.order_statuses s ON s.status = f.status
        ON CONFLICT ON CONSTRAINT daily_metrics_pkey DO UPDATE
        SET fact_orders_count = excluded.fact_orders_count, superseded_orders_count = excluded.superseded_orders_count,
            revenue = excluded.revenue, net_revenue = excluded.net_revenue, sale_statuses = excluded.sale_statuses,
            updated_at = excluded.updated_at
        WHERE (m.fact_orders_count, m.superseded_orders_count, m.revenue, m.net_revenue, m.sale_statuses)
              IS DISTINCT FROM (excluded.fact_orders_count, excluded.superseded_orders_count, excluded.revenue, excluded.net_revenue, excluded.sale_statuses)
        $query$, p_query, p_load_date);

    PERFORM warehouse._move_order_figures();

    SELECT m.fact_orders_count + m.superseded_orders_count, m.fact_orders_count, 0, m.superseded_orders_count
    INTO v_result.rows_in, v_result.rows_out, v_result.rows_rejected, v_result.rows_duplicate
    FROM warehouse.daily_metrics m WHERE m.run_date = p_load_date;
    RETURN v_result;
END
$_write_order_figures$;
COMMENT ON FUNCTION warehouse._write_order_figures(date, text)
    IS 'The fact figures of a load''s day, and the change of those of the days that orders moved from or to';

-- The change of the fact figures of the days that orders moved from or to: pg_temp.taken_rows, given_rows. Each day is
-- looked up: the days that there are do not matter. What counts as a sale is what did when that day's row was written:
-- what is taken away must be what was added.
CREATE OR REPLACE FUNCTION warehouse._move_order_figures() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off
AS $_move_order_figures$
BEGIN
    UPDATE warehouse.daily_metrics m
    SET fact_orders_count = m.fact_orders_count + d.lines, superseded_orders_count = m.superseded_orders_count - d.lines,
        revenue = trim_scale(m.revenue + d.revenue), net_revenue = trim_scale(m.net_revenue + d.net_revenue), updated_at = now()
    FROM (
        SELECT r.load_date, sum(r.sign) AS lines, sum(r.sign * r.revenue) AS revenue,
               coalesce(sum(r.sign * r.revenue) FILTER (WHERE r.status = ANY (k.sale_statuses)), 0) AS net_revenue
        FROM (SELECT t.load_date, t.revenue, t.status, -1 AS sign FROM pg_temp.taken_rows t
              UNION ALL
              SELECT g.load_date, g.revenue, g.status, 1 FROM pg_temp.given_rows g) AS r
        JOIN warehouse.daily_metrics k ON k.run_date = r.load_date
        GROUP BY r.load_date
    ) AS d
    WHERE m.run_date = d.load_date;
END
$_move_order_figures$;
COMMENT ON FUNCTION warehouse._move_order_figures() IS 'The change of the fact figures of the days that orders moved from or to';

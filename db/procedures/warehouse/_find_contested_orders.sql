-- Finds the orders of pg_temp.loaded_keys that another load owns, or is to own, as pg_temp.contested_orders. They are looked up
-- one by one: the cost grows with the load, not with the history. Of most shops ids ascend: those above all that are owned are not looked up.
--
-- An order that this load owns already is looked at only if its updated_at changed: another load may rank higher then. Such
-- orders are in pg_temp.given_back, too; of the rest the owner's updated_at is brought up to date.
CREATE OR REPLACE FUNCTION warehouse._find_contested_orders(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = on
AS $_find_contested_orders$
DECLARE
    v_zone constant text := staging.time_zone();
    v_end constant timestamptz := staging._end_of_day(p_load_date, v_zone);
BEGIN
    CREATE TEMPORARY TABLE contested_orders ON COMMIT DROP AS
    SELECT k.order_id, w.load_date AS owner_date, k.source_updated_at,
           (coalesce(k.source_updated_at, v_end), p_load_date)
           > (coalesce(w.source_updated_at, staging._end_of_day(w.load_date, v_zone)), w.load_date) AS is_ours
    FROM pg_temp.loaded_keys k
    JOIN warehouse.order_owners w ON w.order_id = k.order_id
    WHERE k.order_id <= (SELECT max(m.order_id) FROM warehouse.order_owners m)
      AND (w.load_date <> p_load_date OR w.source_updated_at IS DISTINCT FROM k.source_updated_at);

    IF EXISTS (SELECT FROM pg_temp.contested_orders c WHERE c.owner_date = p_load_date) THEN
        INSERT INTO pg_temp.given_back (order_id, load_date, source_updated_at)
        SELECT c.order_id, s.load_date, s.source_updated_at
        FROM pg_temp.contested_orders c
        CROSS JOIN LATERAL warehouse._highest_superseded(c.order_id, p_load_date, v_zone) AS s
        WHERE c.owner_date = p_load_date
          AND (coalesce(s.source_updated_at, staging._end_of_day(s.load_date, v_zone)), s.load_date) > (coalesce(c.source_updated_at, v_end), p_load_date);

        UPDATE warehouse.order_owners w SET source_updated_at = c.source_updated_at
        FROM pg_temp.contested_orders c WHERE c.owner_date = p_load_date AND w.order_id = c.order_id;
        DELETE FROM pg_temp.contested_orders c WHERE c.owner_date = p_load_date;
        INSERT INTO pg_temp.contested_orders (order_id, owner_date, is_ours) SELECT g.order_id, g.load_date, false FROM pg_temp.given_back g;
    END IF;
    ANALYZE pg_temp.contested_orders;
END
$_find_contested_orders$;
COMMENT ON FUNCTION warehouse._find_contested_orders(date) IS 'Finds the orders of this load that another load owns, or is to own';

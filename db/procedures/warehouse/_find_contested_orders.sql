-- Finds the orders of pg_temp.loaded_keys that another load owns, as pg_temp.contested_orders. They are looked up one by
-- one: the cost grows with the load, not with the history.
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
COMMENT ON FUNCTION warehouse._find_contested_orders(date) IS 'Finds the orders of this load that another load owns';

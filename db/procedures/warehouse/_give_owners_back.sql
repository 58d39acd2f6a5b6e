-- Gives the ownership of pg_temp.gone_orders back to the last earlier load that has them, and lists them in
-- pg_temp.given_back; an order that no other load has gets no owner. They are looked up one by one.
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
COMMENT ON FUNCTION warehouse._give_owners_back(date) IS 'Gives the ownership of orders that this load no longer has back to the last earlier load that has them';

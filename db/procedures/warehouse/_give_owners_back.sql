-- Gives the ownership of pg_temp.gone_orders, and of what pg_temp.given_back holds already, to the highest ranking load that has
-- them, and lists all of these in pg_temp.given_back; an order that no other load has gets no owner. They are looked up one by one.
CREATE OR REPLACE FUNCTION warehouse._give_owners_back(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off
AS $_give_owners_back$
DECLARE
    v_zone constant text := staging.time_zone();
BEGIN
    ANALYZE pg_temp.gone_orders;
    INSERT INTO pg_temp.given_back (order_id, load_date, source_updated_at)
    SELECT g.order_id, s.load_date, s.source_updated_at
    FROM pg_temp.gone_orders g
    CROSS JOIN LATERAL warehouse._highest_superseded(g.order_id, p_load_date, v_zone) AS s;
    ANALYZE pg_temp.given_back;
    UPDATE warehouse.order_owners w SET load_date = g.load_date, source_updated_at = g.source_updated_at
    FROM pg_temp.given_back g WHERE w.order_id = g.order_id;
    DELETE FROM warehouse.order_owners w USING pg_temp.gone_orders g
    WHERE w.order_id = g.order_id AND w.load_date = p_load_date;
END
$_give_owners_back$;
COMMENT ON FUNCTION warehouse._give_owners_back(date) IS 'Gives the ownership of orders that this load no longer has, or in which it is outranked, to the load that ranks highest';

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

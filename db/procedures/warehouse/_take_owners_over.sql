-- Makes this load the owner of the orders in which it outranks the load that had them. Looked up one by one.
CREATE OR REPLACE FUNCTION warehouse._take_owners_over(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off
AS $_take_owners_over$
BEGIN
    UPDATE warehouse.order_owners w SET load_date = p_load_date, source_updated_at = c.source_updated_at
    FROM pg_temp.contested_orders c WHERE w.order_id = c.order_id AND c.is_ours;
END
$_take_owners_over$;
COMMENT ON FUNCTION warehouse._take_owners_over(date) IS 'Makes this load the owner of the orders in which it outranks the load that had them';

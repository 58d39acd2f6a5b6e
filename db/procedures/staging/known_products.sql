-- The products that a rule takes as known: those in a catalogue of another day that was loaded, and in the day's own
-- as it was delivered. Whether the day itself has been loaded before, and with which catalogue, makes no difference.
--
-- Errors: WH004 not a date of the warehouse
-- Reads:  warehouse.dim_product, warehouse.product_loads, staging.products_clean of the day
CREATE OR REPLACE FUNCTION staging.known_products(p_load_date date) RETURNS TABLE (product_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $known_products$
    SELECT warehouse._refuse_day(p_load_date, 'a list of known products');
    SELECT p.product_id FROM warehouse.dim_product p
    WHERE NOT p.is_inferred
      AND p.product_id NOT IN (
          SELECT l.product_id FROM warehouse.product_loads l
          WHERE l.load_date = p_load_date AND l.in_catalogue
            AND NOT EXISTS (SELECT FROM warehouse.product_loads o
                            WHERE o.product_id = l.product_id AND o.load_date <> p_load_date AND o.in_catalogue))
    UNION ALL
    SELECT c.product_id FROM staging.products_clean c WHERE c.load_date = p_load_date;
$known_products$;
COMMENT ON FUNCTION staging.known_products(date) IS 'The products in a catalogue of another day that was loaded, and in the day''s own';

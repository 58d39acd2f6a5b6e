-- Fills the stand-ins of the dimensions with the members that a day's staging, or what the day said before, names; and takes
-- the rows that they have now into pg_temp.before_<dimension>.
CREATE OR REPLACE FUNCTION audit._preview_dimensions(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_dimensions$
DECLARE
    v_name text;
BEGIN
    CREATE TEMPORARY TABLE preview_users AS
    SELECT coalesce(o.user_id, '(guest)') AS user_id FROM pg_temp.orders_clean o WHERE o.load_date = p_load_date
    UNION
    SELECT coalesce(e.user_id, '(guest)') FROM pg_temp.events_clean e WHERE e.load_date = p_load_date
    UNION
    SELECT l.user_id FROM pg_temp.own_user_loads l
    UNION
    SELECT m.member_id FROM pg_temp.unseen_members m WHERE m.dimension = 'user';
    CREATE TEMPORARY TABLE preview_products AS
    SELECT o.product_id FROM pg_temp.orders_clean o WHERE o.load_date = p_load_date
    UNION
    SELECT coalesce(e.product_id, '(none)') FROM pg_temp.events_clean e WHERE e.load_date = p_load_date
    UNION
    SELECT p.product_id FROM pg_temp.products_clean p WHERE p.load_date = p_load_date
    UNION
    SELECT l.product_id FROM pg_temp.own_product_loads l
    UNION
    SELECT m.member_id FROM pg_temp.unseen_members m WHERE m.dimension = 'product';
    ANALYZE pg_temp.preview_users, pg_temp.preview_products;

    PERFORM audit._preview_take('dim_date', 'SELECT d.* FROM warehouse.dim_date d');
    PERFORM audit._preview_take('dim_user', 'SELECT u.* FROM warehouse.dim_user u JOIN pg_temp.preview_users p ON p.user_id = u.user_id');
    PERFORM audit._preview_take('dim_product', 'SELECT d.* FROM warehouse.dim_product d JOIN pg_temp.preview_products p ON p.product_id = d.product_id');
    -- A catalogue decides versions; a product that is only named has none of this day.
    PERFORM audit._preview_take('dim_product_history',
        'SELECT h.* FROM warehouse.dim_product_history h
         WHERE h.product_id IN (SELECT c.product_id FROM pg_temp.products_clean c UNION SELECT l.product_id FROM pg_temp.own_product_loads l WHERE l.in_catalogue)');
    FOREACH v_name IN ARRAY ARRAY['dim_date', 'dim_user', 'dim_product', 'dim_product_history'] LOOP
        EXECUTE format('CREATE TEMPORARY TABLE %I AS TABLE pg_temp.%I', 'before_' || v_name, v_name);
    END LOOP;
END
$_preview_dimensions$;
COMMENT ON FUNCTION audit._preview_dimensions(date) IS 'Fills the stand-ins of the dimensions with the members that a day names';

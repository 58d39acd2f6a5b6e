-- Adds to the stand-in of fact_orders what else the customers of orders that may move have ordered on those days: whether a customer
-- stays one of a day hangs on it (warehouse._move_customers). These lines do not move, and are taken out before anything is compared.
--
-- Reads:  pg_temp.before_fact_orders, orders_superseded, preview_orders; of these days the lines of these users
-- Writes: pg_temp.fact_orders; pg_temp.preview_neighbours, which has the same rows
CREATE OR REPLACE FUNCTION audit._preview_neighbours(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_neighbours$
DECLARE
    v_live regclass := 'warehouse.fact_orders'::regclass;
    v_day  record;
BEGIN
    CREATE TEMPORARY TABLE preview_customers AS
    SELECT u.load_date, u.user_id
    FROM (SELECT b.load_date, b.user_id FROM pg_temp.before_fact_orders b
          UNION
          SELECT s.load_date, s.user_id FROM pg_temp.orders_superseded s) AS u
    WHERE u.load_date <> p_load_date AND u.user_id <> '(guest)';
    ANALYZE pg_temp.preview_customers;
    CREATE TEMPORARY TABLE preview_neighbours AS SELECT f.* FROM pg_temp.fact_orders f WHERE false;
    FOR v_day IN
        SELECT d.load_date, warehouse._partition_of(v_live, d.load_date) AS partition
        FROM (SELECT DISTINCT u.load_date FROM pg_temp.preview_customers u OFFSET 0) AS d ORDER BY d.load_date
    LOOP
        CONTINUE WHEN v_day.partition IS NULL;
        PERFORM audit._preview_take('preview_neighbours', format(
            'SELECT f.* FROM %s AS f JOIN pg_temp.preview_customers u ON u.user_id = f.user_id
             WHERE f.load_date = %2$L AND u.load_date = %2$L AND NOT EXISTS (SELECT FROM pg_temp.preview_orders k WHERE k.order_id = f.order_id)',
            v_day.partition, v_day.load_date));
        -- As in _preview_partitions.
        EXECUTE format('SELECT warehouse._allow_date_ids(%L, min(n.date_id), max(n.date_id)) FROM pg_temp.preview_neighbours AS n WHERE n.load_date = %L',
                       warehouse._partition_of('pg_temp.fact_orders'::regclass, v_day.load_date), v_day.load_date);
    END LOOP;
    INSERT INTO pg_temp.fact_orders SELECT n.* FROM pg_temp.preview_neighbours n;
    DROP TABLE pg_temp.preview_customers;
END
$_preview_neighbours$;
COMMENT ON FUNCTION audit._preview_neighbours(date) IS 'Adds to the stand-in of fact_orders what else customers of orders that may move have ordered on those days';

-- Fills the stand-ins that reload_fact_orders reads and writes: what is there of the orders that the day has now or had before.
--
-- Reads: order_owners, orders_superseded and daily_metrics at one moment; then the lines that loads of other days own
CREATE OR REPLACE FUNCTION audit._preview_orders(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_orders$
BEGIN
    CREATE TEMPORARY TABLE preview_keys AS SELECT o.order_id FROM pg_temp.orders_clean o WHERE o.load_date = p_load_date;
    EXECUTE format('INSERT INTO pg_temp.preview_keys SELECT f.order_id FROM %s AS f WHERE f.load_date = $1',
                   coalesce(warehouse._partition_of('warehouse.fact_orders', p_load_date), 'pg_temp.fact_orders')) USING p_load_date;
    CREATE TEMPORARY TABLE preview_orders AS SELECT DISTINCT k.order_id FROM pg_temp.preview_keys k ORDER BY k.order_id;
    DROP TABLE pg_temp.preview_keys;
    ANALYZE pg_temp.preview_orders;

    WITH owners AS (
        INSERT INTO pg_temp.order_owners
        SELECT w.* FROM pg_temp.preview_orders k JOIN warehouse.order_owners w ON w.order_id = k.order_id
        RETURNING load_date
    ),
    superseded AS (
        INSERT INTO pg_temp.orders_superseded
        SELECT s.* FROM warehouse.orders_superseded s WHERE s.load_date = p_load_date
        UNION ALL
        SELECT s.* FROM pg_temp.preview_orders k JOIN warehouse.orders_superseded s ON s.order_id = k.order_id WHERE s.load_date <> p_load_date
        RETURNING load_date
    )
    INSERT INTO pg_temp.daily_metrics
    SELECT m.* FROM warehouse.daily_metrics m
    WHERE m.run_date <> p_load_date AND m.run_date IN (SELECT w.load_date FROM owners w UNION SELECT s.load_date FROM superseded s);
    ANALYZE pg_temp.order_owners, pg_temp.orders_superseded;

    CREATE TEMPORARY TABLE preview_others AS
    SELECT w.load_date, w.order_id FROM pg_temp.order_owners w WHERE w.load_date <> p_load_date
    UNION
    -- Loads that may get an order back.
    SELECT s.load_date, NULL FROM pg_temp.orders_superseded s WHERE s.load_date <> p_load_date;
    PERFORM audit._preview_partitions('fact_orders', p_load_date, ARRAY['order_id']);
    PERFORM audit._preview_neighbours(p_load_date);
    DROP TABLE pg_temp.preview_others;
    CREATE TEMPORARY TABLE before_orders_superseded AS TABLE pg_temp.orders_superseded;
END
$_preview_orders$;
COMMENT ON FUNCTION audit._preview_orders(date) IS 'Fills the stand-ins that reload_fact_orders reads and writes';

-- Adjusts the customers of the days that orders moved from or to. A customer who has other orders of that day stays one, so
-- each customer of the lines that moved is looked up in the day's partition: the cost is that of the lines that moved.
--
-- Reads:  pg_temp.moved_lines (made by _move_order_figures), the facts of the days that it names
-- Writes: warehouse.daily_metrics
CREATE OR REPLACE FUNCTION warehouse._move_customers() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
SET enable_hashjoin = off SET enable_mergejoin = off
AS $_move_customers$
DECLARE
    v_partition record;
BEGIN
    -- First the orders that these customers have, then what follows from them: on a cluster facts are not joined with what is here.
    CREATE TEMPORARY TABLE orders_of_customers ON COMMIT DROP AS
    SELECT l.load_date, l.user_id, l.order_id, l.status FROM pg_temp.moved_lines l LIMIT 0;
    FOR v_partition IN
        SELECT p.name, array_agg(DISTINCT p.load_date) AS load_dates, array_agg(DISTINCT l.user_id) AS customers
        FROM (SELECT warehouse._partition_of('warehouse.fact_orders', d.load_date) AS name, d.load_date
              FROM (SELECT DISTINCT l.load_date FROM pg_temp.moved_lines l WHERE l.is_sale OFFSET 0) AS d OFFSET 0) AS p
        JOIN pg_temp.moved_lines l ON l.load_date = p.load_date
        WHERE p.name IS NOT NULL AND l.is_sale AND l.user_id <> '(guest)'
        GROUP BY p.name ORDER BY min(p.load_date)
    LOOP
        EXECUTE format('INSERT INTO pg_temp.orders_of_customers (load_date, user_id, order_id, status)
                        SELECT f.load_date, f.user_id, f.order_id, f.status FROM %s f WHERE f.load_date = ANY ($1) AND f.user_id = ANY ($2)',
                       v_partition.name)
        USING v_partition.load_dates, v_partition.customers;
    END LOOP;
    CREATE INDEX ON pg_temp.orders_of_customers (user_id, load_date);
    ANALYZE pg_temp.orders_of_customers;

    UPDATE warehouse.daily_metrics m SET customers_count = m.customers_count + d.customers
    FROM (
        SELECT u.load_date, count(*) FILTER (WHERE n.has_any) - count(*) FILTER (WHERE u.was_taken OR n.has_other) AS customers
        FROM (SELECT l.load_date, l.user_id, bool_or(l.sign < 0) AS was_taken,
                     coalesce(array_agg(l.order_id) FILTER (WHERE l.sign > 0), '{}') AS given
              FROM pg_temp.moved_lines l
              WHERE l.is_sale AND l.user_id <> '(guest)'
              GROUP BY l.load_date, l.user_id) AS u
        JOIN warehouse.daily_metrics k ON k.run_date = u.load_date
        CROSS JOIN LATERAL (
            SELECT count(*) > 0 AS has_any, coalesce(bool_or(o.order_id <> ALL (u.given)), false) AS has_other
            FROM pg_temp.orders_of_customers o
            WHERE o.user_id = u.user_id AND o.load_date = u.load_date AND o.status = ANY (k.sale_statuses)
        ) AS n
        GROUP BY u.load_date
    ) AS d
    WHERE m.run_date = d.load_date AND d.customers <> 0;
    DROP TABLE pg_temp.orders_of_customers;
END
$_move_customers$;
COMMENT ON FUNCTION warehouse._move_customers() IS 'Adjusts the customers of the days that orders moved from or to';

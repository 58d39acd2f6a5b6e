-- Worker of load_dim_product: what a day says of products, their versions, and the dimension as it is now.
--
-- Reads:  staging.products_clean, orders_clean and events_clean of the day
-- Writes: warehouse.product_loads of the day, warehouse.dim_product_history, warehouse.dim_product, warehouse.unseen_members
-- Locks:  the dimension's publish lock (advisory) once the day's products are known, until the transaction ends
-- Safe to repeat: versions are a function of product_loads, whatever the order of loading; what did not change stays.
CREATE OR REPLACE FUNCTION warehouse._load_dim_product(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_load_dim_product$
DECLARE
    v_products text;
    v_orders   text;
    v_events   text;
    v_result   audit.step_result;
BEGIN
    v_products := coalesce(warehouse._partition_of('staging.products_clean', p_load_date), 'staging.products_clean');
    v_orders := coalesce(warehouse._partition_of('staging.orders_clean', p_load_date), 'staging.orders_clean');
    v_events := coalesce(warehouse._partition_of('staging.events_clean', p_load_date), 'staging.events_clean');

    EXECUTE format($query$
        CREATE TEMPORARY TABLE seen_products ON COMMIT DROP AS
        WITH mentioned AS (
            -- Grouped before the UNION: grouping can use both cores, in memory.
            SELECT o.product_id FROM %2$s o WHERE o.load_date = %4$L GROUP BY o.product_id
            UNION
            SELECT coalesce(k.product_id, '(none)')
            FROM (SELECT e.product_id FROM %3$s e WHERE e.load_date = %4$L GROUP BY e.product_id) AS k
        ),
        catalogue AS (
            SELECT p.product_id, p.product_name, p.category, p.brand, p.current_price FROM %1$s p WHERE p.load_date = %4$L
        )
        SELECT coalesce(c.product_id, m.product_id) AS product_id, c.product_id IS NOT NULL AS in_catalogue,
               c.product_name, c.category, c.brand, c.current_price
        FROM mentioned m
        FULL JOIN catalogue c ON c.product_id = m.product_id
        $query$, v_products, v_orders, v_events, p_load_date);
    GET DIAGNOSTICS v_result.rows_in = ROW_COUNT;
    ANALYZE pg_temp.seen_products;

    PERFORM warehouse._lock_publishing('warehouse.dim_product');

    CREATE TEMPORARY TABLE changed_products ON COMMIT DROP AS
    SELECT coalesce(n.product_id, o.product_id) AS product_id, o.product_id IS NOT NULL AS was_seen,
           n.product_id IS NOT NULL AS is_seen, coalesce(n.in_catalogue, false) OR coalesce(o.in_catalogue, false) AS is_described
    FROM pg_temp.seen_products n
    FULL JOIN (SELECT l.* FROM warehouse.product_loads l WHERE l.load_date = p_load_date) AS o ON o.product_id = n.product_id
    WHERE (n.product_id, n.in_catalogue, n.product_name, n.category, n.brand, n.current_price)
          IS DISTINCT FROM (o.product_id, o.in_catalogue, o.product_name, o.category, o.brand, o.current_price);
    GET DIAGNOSTICS v_result.rows_out = ROW_COUNT;
    ANALYZE pg_temp.changed_products;

    DELETE FROM warehouse.product_loads l
    USING pg_temp.changed_products c
    WHERE c.was_seen AND l.product_id = c.product_id AND l.load_date = p_load_date;

    INSERT INTO warehouse.product_loads (product_id, load_date, in_catalogue, product_name, category, brand, current_price)
    SELECT n.product_id, p_load_date, n.in_catalogue, n.product_name, n.category, n.brand, n.current_price
    FROM pg_temp.seen_products n
    JOIN pg_temp.changed_products c ON c.product_id = n.product_id;

    INSERT INTO warehouse.dim_product (product_id, is_inferred)
    SELECT c.product_id, true
    FROM pg_temp.changed_products c
    WHERE c.is_seen
    ON CONFLICT ON CONSTRAINT dim_product_pkey DO NOTHING;

    PERFORM warehouse._write_product_versions(p_load_date);

    INSERT INTO warehouse.dim_product (product_id, product_name, category, brand, current_price, effective_from, is_inferred)
    SELECT p.product_id, newest.product_name, newest.category, newest.brand, newest.current_price, newest.effective_from,
           newest.effective_from IS NULL
    FROM pg_temp.changed_products c
    JOIN warehouse.dim_product p ON p.product_id = c.product_id
    LEFT JOIN LATERAL (
        SELECT v.* FROM warehouse.dim_product_history v
        WHERE v.product_id = c.product_id ORDER BY v.effective_from DESC LIMIT 1
    ) AS newest ON true
    WHERE c.is_described
      AND (p.product_name, p.category, p.brand, p.current_price, p.effective_from)
          IS DISTINCT FROM (newest.product_name, newest.category, newest.brand, newest.current_price, newest.effective_from)
    ON CONFLICT ON CONSTRAINT dim_product_pkey DO UPDATE
    SET product_name = excluded.product_name, category = excluded.category, brand = excluded.brand,
        current_price = excluded.current_price, effective_from = excluded.effective_from,
        is_inferred = excluded.is_inferred, updated_at = excluded.updated_at;

    DELETE FROM warehouse.unseen_members m
    USING pg_temp.changed_products c WHERE c.is_seen AND m.dimension = 'product' AND m.member_id = c.product_id;
    INSERT INTO warehouse.unseen_members (dimension, member_id)
    SELECT 'product', c.product_id
    FROM pg_temp.changed_products c
    WHERE NOT c.is_seen AND c.product_id <> '(none)'
      AND NOT EXISTS (SELECT FROM warehouse.product_loads l WHERE l.product_id = c.product_id)
    ON CONFLICT ON CONSTRAINT unseen_members_pkey DO NOTHING;

    DROP TABLE pg_temp.seen_products, pg_temp.changed_products;
    RETURN v_result;
END
$_load_dim_product$;
COMMENT ON FUNCTION warehouse._load_dim_product(date)
    IS 'Worker of load_dim_product: what a day says of products, their versions, and the dimension as it is now';

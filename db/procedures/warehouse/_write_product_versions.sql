-- Writes the versions of products that a day's catalogue decides. A version begins where a catalogue differs from the catalogue
-- before it. So a catalogue decides two beginnings: its own, and that of the next catalogue that has the product.
--
-- Reads:  pg_temp.changed_products of _load_dim_product, warehouse.product_loads
-- Writes: warehouse.dim_product_history
-- Safe to repeat: a version that did not change stays as it is.
CREATE OR REPLACE FUNCTION warehouse._write_product_versions(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_write_product_versions$
BEGIN
    -- The day stands in subselects: of a day that is newer than its statistics the planner expects no row, and would look through all
    -- of its catalogue for each product. So it expects as many as of any other.
    CREATE TEMPORARY TABLE version_starts ON COMMIT DROP AS
    SELECT c.product_id, s.effective_from, s.begins, s.product_name, s.category, s.brand, s.current_price
    FROM pg_temp.changed_products c
    LEFT JOIN LATERAL (
        SELECT l.* FROM warehouse.product_loads l
        WHERE l.product_id = c.product_id AND l.in_catalogue AND l.load_date < (SELECT p_load_date)
        ORDER BY l.load_date DESC LIMIT 1
    ) AS before ON true
    LEFT JOIN warehouse.product_loads here
           ON here.product_id = c.product_id AND here.load_date = (SELECT p_load_date) AND here.in_catalogue
    LEFT JOIN LATERAL (
        SELECT l.* FROM warehouse.product_loads l
        WHERE l.product_id = c.product_id AND l.in_catalogue AND l.load_date > (SELECT p_load_date)
        ORDER BY l.load_date LIMIT 1
    ) AS after ON true
    CROSS JOIN LATERAL (
        SELECT p_load_date AS effective_from,
               here.product_id IS NOT NULL
               AND (before.product_id, before.product_name, before.category, before.brand, before.current_price)
                   IS DISTINCT FROM (here.product_id, here.product_name, here.category, here.brand, here.current_price) AS begins,
               here.product_name, here.category, here.brand, here.current_price
        UNION ALL
        SELECT after.load_date,
               CASE WHEN here.product_id IS NOT NULL
                    THEN (here.product_name, here.category, here.brand, here.current_price)
                         IS DISTINCT FROM (after.product_name, after.category, after.brand, after.current_price)
                    ELSE (before.product_id, before.product_name, before.category, before.brand, before.current_price)
                         IS DISTINCT FROM (after.product_id, after.product_name, after.category, after.brand, after.current_price) END,
               after.product_name, after.category, after.brand, after.current_price
        WHERE after.product_id IS NOT NULL
    ) AS s
    WHERE c.is_described;
    ANALYZE pg_temp.version_starts;

    DELETE FROM warehouse.dim_product_history h
    WHERE (h.product_id, h.effective_from) IN (SELECT s.product_id, s.effective_from FROM pg_temp.version_starts s WHERE NOT s.begins);

    INSERT INTO warehouse.dim_product_history AS h (product_id, product_name, category, brand, current_price, effective_from)
    SELECT s.product_id, s.product_name, s.category, s.brand, s.current_price, s.effective_from
    FROM pg_temp.version_starts s
    WHERE s.begins
    ON CONFLICT ON CONSTRAINT dim_product_history_pkey DO UPDATE
    SET product_name = excluded.product_name, category = excluded.category, brand = excluded.brand,
        current_price = excluded.current_price, updated_at = excluded.updated_at
    WHERE (h.product_name, h.category, h.brand, h.current_price)
          IS DISTINCT FROM (excluded.product_name, excluded.category, excluded.brand, excluded.current_price);

    -- A version ends where the next begins; from the version before this day on, that may have moved.
    INSERT INTO warehouse.dim_product_history (product_id, effective_from, effective_to)
    SELECT w.product_id, w.effective_from, w.effective_to
    FROM (
        SELECT v.product_id, v.effective_from, v.effective_to AS old_effective_to,
               lead(v.effective_from) OVER (PARTITION BY v.product_id ORDER BY v.effective_from) AS effective_to
        FROM pg_temp.changed_products c
        JOIN warehouse.dim_product_history v ON v.product_id = c.product_id
         AND v.effective_from >= coalesce((
                 SELECT max(b.effective_from) FROM warehouse.dim_product_history b
                 WHERE b.product_id = c.product_id AND b.effective_from < p_load_date), '-infinity')
        WHERE c.is_described
    ) AS w
    WHERE w.effective_to IS DISTINCT FROM w.old_effective_to
    ON CONFLICT ON CONSTRAINT dim_product_history_pkey DO UPDATE
    SET effective_to = excluded.effective_to, updated_at = excluded.updated_at;
    DROP TABLE pg_temp.version_starts;
END
$_write_product_versions$;
COMMENT ON FUNCTION warehouse._write_product_versions(date) IS 'Writes the versions of products that a day''s catalogue decides';

-- The catalogue delivered for a day: typed, and judged. Only this file knows the names of a product's fields. The
-- fences are those of _read_orders.
CREATE OR REPLACE FUNCTION staging._read_products(p_load_date date, p_load_ids bigint[], p_own staging.fields[], p_has_mapped boolean)
RETURNS TABLE (
    staging_products_id bigint, load_date date, product_id text, product_name text, category text, brand text, current_price numeric,
    raw_products_id bigint, attributes jsonb, emptied text[],
    load_id bigint, record_number integer, problems staging.problem[], raw_json json
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH records AS (
        SELECT p.raw_products_id, (SELECT staging._null_marks()) AS marks, (SELECT jsonb_object_agg(m.marker, true) FROM staging.null_markers m) AS markers,
                p.load_id, p.line_number AS record_number, p.raw_json,
               json_typeof(p.raw_json) = 'object' AND staging._is_storable(p.raw_json::text) AS is_readable
        FROM (SELECT d.raw_products_id, d.load_id, d.line_number, d.raw_json
              FROM raw.products_json d
              WHERE d.run_date = p_load_date AND d.load_id = ANY (p_load_ids)
              UNION ALL
              SELECT m.raw_id, m.load_id, m.line_number, m.record FROM staging._mapped_records() m WHERE p_has_mapped) AS p
        OFFSET '0'
    ),
    trimmed AS (
        SELECT r.*, staging._trimmed(f.product_id) AS said_id, staging._trimmed(f.product_name) AS said_name,
               staging._trimmed(f.category) AS said_category, staging._trimmed(f.brand) AS said_brand,
               staging._trimmed(f.current_price) AS said_price,
               CASE WHEN p_own IS NOT NULL AND r.is_readable
                    THEN staging._own_values(p_own, '{product}', r.raw_json, NULL) END AS own
        FROM records r
        CROSS JOIN LATERAL json_to_record(CASE WHEN r.is_readable THEN r.raw_json ELSE '{}' END)
            AS f (product_id text, product_name text, category text, brand text, current_price text)
        OFFSET '0'
    ),
    parsed AS (
        SELECT t.*, staging._unless_null(t.said_id, t.marks, t.markers) AS product_id,
               staging._unless_null(t.said_name, t.marks, t.markers) AS product_name,
               staging._unless_null(t.said_category, t.marks, t.markers) AS category,
               staging._unless_null(t.said_brand, t.marks, t.markers) AS brand, staging._unless_null(t.said_price, t.marks, t.markers) AS price
        FROM trimmed t
        OFFSET '0'
    ),
    explained AS (
        SELECT p.*,
               nullif(staging._product_problems(p.raw_json, p.said_id, p.product_id, p.product_name, p.category, p.brand, p.price)
                      || (p.own).problems, '{}') AS problems
        FROM parsed p
        OFFSET '0'
    )
    SELECT e.raw_products_id, CASE WHEN e.problems IS NULL THEN p_load_date END,
           CASE WHEN octet_length(e.product_id) <= 512 THEN e.product_id END COLLATE "C",
           e.product_name, e.category, e.brand, trim_scale(staging._to_number(e.price)), e.raw_products_id, (e.own).attributes, (e.own).emptied,
           e.load_id, e.record_number, e.problems, e.raw_json
    FROM explained e;
END;
COMMENT ON FUNCTION staging._read_products(date, bigint[], staging.fields[], boolean) IS 'The catalogue delivered for a day: typed, and judged';

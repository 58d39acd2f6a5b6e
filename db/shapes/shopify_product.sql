-- A product of Shopify's REST API: one of `products`. Each of its variants is a product here, named by its SKU as lines of orders
-- are; without a SKU it is the product itself.
CREATE OR REPLACE FUNCTION shapes.shopify_product(record json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT json_agg(json_build_object(
               'product_id', v.product_id, 'product_name', concat_ws(' – ', p.title, nullif(v.title, 'Default Title')), 'category', nullif(p.product_type, ''),
               'brand', nullif(p.vendor, ''), 'current_price', v.price) ORDER BY v.place)
    FROM json_to_record(record) AS p (id text, title text, product_type text, vendor text, variants json)
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (coalesce(nullif(i.sku, ''), p.id)) coalesce(nullif(i.sku, ''), p.id) AS product_id,
               CASE WHEN nullif(i.sku, '') IS NOT NULL THEN i.title END AS title, i.price, i.place
        FROM ROWS FROM (json_to_recordset(CASE WHEN json_array_length(p.variants) > 0 THEN p.variants ELSE '[{}]' END) AS (sku text, title text, price text))
            WITH ORDINALITY AS i (sku, title, price, place)
        ORDER BY 1, i.place
    ) AS v
);
COMMENT ON FUNCTION shapes.shopify_product(json) IS 'The variants of a product of Shopify in our form';

-- A product of WooCommerce's REST API, named as lines of orders are: by its SKU, or else by its id.
CREATE OR REPLACE FUNCTION shapes.woocommerce_product(record json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT json_build_object(
        'product_id', coalesce(nullif(p.sku, ''), p.id), 'product_name', p.name, 'category', p.categories #>> '{0,name}',
        'brand', p.brands #>> '{0,name}', 'current_price', nullif(p.price, ''))
    FROM json_to_record(record) AS p (id text, sku text, name text, categories json, brands json, price text)
);
COMMENT ON FUNCTION shapes.woocommerce_product(json) IS 'A product of WooCommerce in our form';

-- The forms that are shipped: which function makes ours of a record, by which fields it is known, and how its files are read.
CREATE OR REPLACE FUNCTION shapes.shipped()
RETURNS TABLE (routine text, source text, needs text[], records_path text, rows_are text, encoding text, delimiter text, description text)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT s.routine, s.source, s.needs::text[], s.records_path, s.rows_are, s.encoding, s.delimiter, s.description
    FROM (VALUES
        ('shapes.shopify_order', 'orders', '{id,line_items,financial_status,shipping_lines}', 'orders', 'orders', NULL::text, NULL::text, 'Shopify, REST'),
        ('shapes.shopify_graphql_order', 'orders', '{node.id,node.lineItems,node.displayFinancialStatus}', 'data.orders.edges', 'orders', NULL, NULL, 'Shopify, GraphQL'),
        ('shapes.woocommerce_order', 'orders', '{id,line_items,date_created_gmt,shipping_total}', NULL, 'orders', NULL, NULL, 'WooCommerce'),
        ('shapes.magento_order', 'orders', '{increment_id,items,order_currency_code}', 'items', 'orders', NULL, NULL, 'Magento 2'),
        ('shapes.amazon_order_line', 'orders', '{amazon-order-id,purchase-date,sku,quantity}', NULL, 'lines', 'latin-1', E'\t', 'Amazon, flat file of orders'),
        ('shapes.stripe_checkout', 'orders', '{id,payment_status,line_items,total_details}', 'data', 'orders', NULL, NULL, 'Stripe Checkout'),
        ('shapes.ga4_event', 'events', '{event_timestamp,event_name,event_params,user_pseudo_id}', NULL, 'orders', NULL, NULL, 'Google Analytics 4, BigQuery'),
        ('shapes.ga4_flat_event', 'events', '{event_timestamp,event_name,user_pseudo_id}', NULL, 'orders', NULL, NULL, 'Google Analytics 4, flat'),
        ('shapes.segment_event', 'events', '{messageId,type,anonymousId}', NULL, 'orders', NULL, NULL, 'Segment, RudderStack'),
        ('shapes.shopify_product', 'products', '{id,title,variants,vendor}', 'products', 'orders', NULL, NULL, 'Shopify products'),
        ('shapes.woocommerce_product', 'products', '{id,name,categories,stock_status}', NULL, 'orders', NULL, NULL, 'WooCommerce products')
    ) AS s (routine, source, needs, records_path, rows_are, encoding, delimiter, description);
END;
COMMENT ON FUNCTION shapes.shipped() IS 'The forms that are shipped: function, fields by which it is known, and how its files are read';

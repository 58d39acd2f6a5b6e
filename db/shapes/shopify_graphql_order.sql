-- An order of Shopify's GraphQL API: one of `data.orders.edges`, or of its `nodes`.
--
-- Ids are Shopify's own, as gid://shopify/Order/1. A line's amount is what its discounts leave of it.
CREATE OR REPLACE FUNCTION shapes.shopify_graphql_order(record json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT json_build_object(
        'order_id', o.id, 'user_id', o.customer ->> 'id', 'timestamp', o."createdAt", 'updated_at', o."updatedAt",
        'status', CASE WHEN o."cancelledAt" IS NOT NULL OR o.test THEN 'cancelled' ELSE o."displayFinancialStatus" END,
        'currency', coalesce(o."currencyCode", o."totalShippingPriceSet" #>> '{shopMoney,currencyCode}', o."totalTaxSet" #>> '{shopMoney,currencyCode}'),
        'tax', o."totalTaxSet" #>> '{shopMoney,amount}', 'shipping', o."totalShippingPriceSet" #>> '{shopMoney,amount}',
        'refunded', o."totalRefundedSet" #>> '{shopMoney,amount}',
        'user', json_build_object('city', coalesce(o."shippingAddress" ->> 'city', o."billingAddress" ->> 'city'),
                                  'signup_date', left(o.customer ->> 'createdAt', 10)),
        'items', (SELECT json_agg(json_build_object(
                      'product_id', coalesce(nullif(l.line ->> 'sku', ''), l.line #>> '{product,id}', l.line ->> 'title'), 'quantity', l.line ->> 'quantity',
                      'line_total', l.line #>> '{discountedTotalSet,shopMoney,amount}',
                      'price', l.line #>> '{originalUnitPriceSet,shopMoney,amount}') ORDER BY l.place)
                  FROM (SELECT coalesce(e.edge -> 'node', e.edge) AS line, e.place
                        FROM json_array_elements(coalesce(o."lineItems" -> 'edges', o."lineItems" -> 'nodes')) WITH ORDINALITY AS e (edge, place)) AS l))
    FROM json_to_record(coalesce(record -> 'node', record)) AS o (
        id text, "createdAt" text, "updatedAt" text, "cancelledAt" text, test boolean, "displayFinancialStatus" text, "currencyCode" text,
        customer json, "shippingAddress" json, "billingAddress" json, "totalTaxSet" json, "totalShippingPriceSet" json, "totalRefundedSet" json,
        "lineItems" json)
);
COMMENT ON FUNCTION shapes.shopify_graphql_order(json) IS 'An order of Shopify''s GraphQL API in our form';

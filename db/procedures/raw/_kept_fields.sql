-- The fields that the warehouse reads of orders and products, other than the user's: a value of them that is written
-- like a user_id is none.
CREATE OR REPLACE FUNCTION raw._kept_fields() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['order_id', 'product_id', 'quantity', 'price', 'timestamp', 'status', 'city', 'signup_date', 'marketing_source',
             'product_name', 'category', 'brand', 'current_price'];
COMMENT ON FUNCTION raw._kept_fields() IS 'The fields that the warehouse reads of orders and products, other than the user''s';

-- The sum of the amounts under a name in the objects of an array: amount('[{"price": "3.00"}]', 'price') is 3.00. NULL if there
-- is no amount.
CREATE OR REPLACE FUNCTION shapes.amount(list json, name text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT sum(nullif(e.value ->> name, '')::numeric) FROM json_array_elements(CASE WHEN json_typeof(list) = 'array' THEN list END) AS e (value));
COMMENT ON FUNCTION shapes.amount(json, text) IS 'The sum of the amounts under a name in the objects of an array; NULL if there is none';

-- A number that is given as a multiple: divided('199900', 10000) is 19.99.
CREATE OR REPLACE FUNCTION shapes.divided(amount text, divisor numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN trim_scale(amount::numeric / divisor);
COMMENT ON FUNCTION shapes.divided(text, numeric) IS 'A number that is given as a multiple, as 199900 of 10000: 19.99';

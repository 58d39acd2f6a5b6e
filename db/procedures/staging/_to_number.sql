-- A decimal number of up to 40 characters, with an exponent of up to two digits; NULL if it is not one.
CREATE OR REPLACE FUNCTION staging._to_number(p_value text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN length(p_value) <= 40 AND p_value ~ '^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,2})?$' THEN p_value::numeric
END;
COMMENT ON FUNCTION staging._to_number(text) IS 'A decimal number; NULL if it is not one';

-- A decimal number of up to 40 characters, with an exponent of up to two digits; NULL if it is not one.
--
-- p_value: a column, a variable, or cheap. What is more is no longer inlined, and costs several times as much.
CREATE OR REPLACE FUNCTION staging._to_number(p_value text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN staging._is_plain_amount(p_value)
         OR length(p_value) <= 40 AND p_value ~ '^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,2})?$' THEN p_value::numeric
END;
COMMENT ON FUNCTION staging._to_number(text) IS 'A decimal number; NULL if it is not one';

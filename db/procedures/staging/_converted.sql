-- An amount in the warehouse's currency, to its smallest part; as it is if no rate is given.
CREATE OR REPLACE FUNCTION staging._converted(p_amount numeric, p_rate numeric, p_currency text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN p_rate IS NULL THEN p_amount ELSE round(p_amount * p_rate, staging._minor_units(p_currency)) END;
COMMENT ON FUNCTION staging._converted(numeric, numeric, text) IS 'An amount in the warehouse''s currency, to its smallest part';

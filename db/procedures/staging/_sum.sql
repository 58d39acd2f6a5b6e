-- The sum of two amounts, of which either may be missing; NULL if both are.
CREATE OR REPLACE FUNCTION staging._sum(p_one numeric, p_other numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN p_one IS NULL THEN p_other WHEN p_other IS NULL THEN p_one ELSE p_one + p_other END;
COMMENT ON FUNCTION staging._sum(numeric, numeric) IS 'The sum of two amounts, of which either may be missing';

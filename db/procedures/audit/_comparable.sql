-- A value on the scale on which it varies alike, however large it is: ln for counts and money, 2·asin(√p) for shares.
CREATE OR REPLACE FUNCTION audit._comparable(p_kind text, p_value double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_kind WHEN 'share' THEN 2 * asin(sqrt(least(greatest(p_value, 0), 1)))
                   WHEN 'count' THEN ln(greatest(p_value, 0.5))
                   ELSE ln(greatest(p_value, 0.01)) END;
COMMENT ON FUNCTION audit._comparable(text, double precision) IS 'A value on the scale on which it varies alike, however large it is';

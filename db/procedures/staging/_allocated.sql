-- An amount, allocated by weights: a share for each; NULL if there is no amount. The shares sum to the amount exactly.
--
-- Each gets its part, rounded down; what is left goes to those with the largest remainders, one smallest part each, among equals to
-- the first (largest remainder, Hamilton's method). If no weight is above 0, each counts the same. All is done in whole smallest parts: those
-- of the currency, or of an amount that has more decimal places. Multiplied back, nothing is lost to a division.
--
-- p_weights: 0 or more, one for each share;  p_digits: decimal places of the currency
CREATE OR REPLACE FUNCTION staging._allocated(p_amount numeric, p_weights numeric[], p_digits integer) RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_allocated$
DECLARE
    v_digits     integer := greatest(p_digits, min_scale(p_amount));
    v_unit       numeric := CASE v_digits WHEN 2 THEN 0.01 ELSE 10.0 ^ -v_digits END;
    v_parts      numeric := CASE v_digits WHEN 2 THEN p_amount * 100 ELSE p_amount * 10.0 ^ v_digits END;
    v_left       numeric := v_parts;
    v_total      numeric := 0;
    v_weights    numeric[] := p_weights;
    v_remainders numeric[] := '{}';
    v_largest    integer := 1;   -- of the remainders
    v_shares     numeric[] := '{}';
    v_number     integer;
BEGIN
    FOR v_place IN 1 .. cardinality(v_weights) LOOP
        v_total := v_total + v_weights[v_place];
    END LOOP;
    IF v_total = 0 THEN
        v_weights := array_fill(1::numeric, ARRAY[cardinality(p_weights)]);
        v_total := cardinality(p_weights);
    END IF;
    FOR v_place IN 1 .. cardinality(v_weights) LOOP
        v_shares[v_place] := div(v_parts * v_weights[v_place], v_total);
        v_remainders[v_place] := v_parts * v_weights[v_place] - v_shares[v_place] * v_total;
        v_left := v_left - v_shares[v_place];
        IF v_remainders[v_place] > v_remainders[v_largest] THEN
            v_largest := v_place;
        END IF;
    END LOOP;
    IF v_left = 1 THEN
        v_shares[v_largest] := v_shares[v_largest] + 1;
    ELSIF v_left > 1 THEN
        FOR v_number IN
            SELECT r.number FROM unnest(v_remainders) WITH ORDINALITY AS r (remainder, number) ORDER BY r.remainder DESC, r.number LIMIT v_left::bigint
        LOOP
            v_shares[v_number] := v_shares[v_number] + 1;
        END LOOP;
    END IF;
    FOR v_place IN 1 .. cardinality(v_shares) LOOP
        v_shares[v_place] := v_shares[v_place] * v_unit;
    END LOOP;
    RETURN v_shares;
END
$_allocated$;
COMMENT ON FUNCTION staging._allocated(numeric, numeric[], integer) IS 'An amount, allocated by weights: the shares sum to it exactly';

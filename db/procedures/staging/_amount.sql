-- An amount of a clean line as a number. It is inlined.
--
-- p_usual: the number, if the amount is as nearly all are (staging._is_usual_amount);  p_said: as delivered, with or without blanks around it
CREATE OR REPLACE FUNCTION staging._amount(p_usual numeric, p_said text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_usual, staging._trimmed(p_said)::numeric);
COMMENT ON FUNCTION staging._amount(numeric, text) IS 'An amount of a clean line as a number';

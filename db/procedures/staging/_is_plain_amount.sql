-- Whether an amount is a number of at least 0 as nearly all are: digits, with at most a point among them, ten signs in all. It is inlined.
--
-- A regular expression costs for each state, more than all else here. Such a number begins and ends with a digit ('0' is 48, and
-- (48 - 38) / 10 is 1; the last byte as _trimmed reads it), and has at most a point besides. p_value: a column, or cheap.
CREATE OR REPLACE FUNCTION staging._is_plain_amount(p_value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN octet_length(p_value) <= 10 AND (ascii(p_value) - 38) / 10 = 1 AND ((p_value::name)[octet_length(p_value) - 1]::integer - 38) / 10 = 1
   AND translate(p_value, '0123456789', '') IN ('', '.');
COMMENT ON FUNCTION staging._is_plain_amount(text) IS 'Whether an amount is a number of at least 0 as nearly all are';

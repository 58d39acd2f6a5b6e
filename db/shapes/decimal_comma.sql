-- A number with a decimal comma, with or without points, blanks or apostrophes between thousands, and a currency around it:
-- '1.234,50 €' is 1234.50.
CREATE OR REPLACE FUNCTION shapes.decimal_comma(amount text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(translate(regexp_replace(amount, '[^0-9,+-]', '', 'g'), ',', '.'), '')::numeric;
COMMENT ON FUNCTION shapes.decimal_comma(text) IS 'A number with a decimal comma, as 1.234,50: 1234.50';

-- An amount that is given in the smallest unit of its currency: 1999 cents are 19.99, 2999 yen are 2999.
CREATE OR REPLACE FUNCTION shapes.from_minor(amount text, currency text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round(amount::numeric / 10::numeric ^ shapes.minor_units(currency), shapes.minor_units(currency));
COMMENT ON FUNCTION shapes.from_minor(text, text) IS 'An amount that is given in the smallest unit of its currency, as 1999 cents: 19.99';

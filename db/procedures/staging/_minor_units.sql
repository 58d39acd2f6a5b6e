-- How many decimal places a currency has (ISO 4217): 0 for yen, 3 for dinars, 2 for nearly all and for what is not known.
--
-- p_currency: its code in upper case
CREATE OR REPLACE FUNCTION staging._minor_units(p_currency text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN p_currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
    WHEN p_currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
    WHEN p_currency IN ('CLF', 'UYW') THEN 4
    ELSE 2 END;
COMMENT ON FUNCTION staging._minor_units(text) IS 'How many decimal places a currency has';

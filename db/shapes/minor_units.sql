-- How many digits a currency has after the decimal point (ISO 4217): 0 of the yen, 3 of the dinar, 2 of nearly all others.
CREATE OR REPLACE FUNCTION shapes.minor_units(currency text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN upper(btrim(currency)) IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
    WHEN upper(btrim(currency)) IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
    WHEN upper(btrim(currency)) IN ('CLF', 'UYW') THEN 4
    ELSE 2
END;
COMMENT ON FUNCTION shapes.minor_units(text) IS 'How many digits a currency has after the decimal point: JPY 0, KWD 3, most 2';

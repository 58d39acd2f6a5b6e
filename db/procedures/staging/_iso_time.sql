-- An ISO 8601 time with or without offset or fraction, or a date (its midnight); without an offset it is UTC, which may be
-- written behind it (as BigQuery writes it). Digits after the microsecond are cut. NULL if it is not one. No time is longer than 36 bytes: megabytes are not searched.
-- The usual shapes come first: each character and each alternative of a regular expression costs time. The most usual shapes
-- of all have functions of their own: _usual_time and _usual_date.
CREATE OR REPLACE FUNCTION staging._iso_time(p_value text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN octet_length(p_value) > 36 THEN NULL
    WHEN octet_length(p_value) = 10 AND p_value ~ '^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$'
    THEN (p_value || ' 00:00:00Z')::timestamptz
    WHEN octet_length(p_value) = 20
         AND p_value ~ '^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$'
    THEN p_value::timestamptz
    WHEN p_value ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?( ?([Zz]|UTC|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?))?)?$'
         AND left(p_value, 4) <> '0000'
         AND substr(p_value, 9, 2)::integer <= CASE
             WHEN substr(p_value, 6, 2) IN ('04', '06', '09', '11') THEN 30
             WHEN substr(p_value, 6, 2) <> '02' THEN 31
             WHEN substr(p_value, 1, 4)::integer % 4 = 0
                  AND (substr(p_value, 1, 4)::integer % 100 <> 0 OR substr(p_value, 1, 4)::integer % 400 = 0) THEN 29
             ELSE 28 END
    THEN (regexp_replace(upper(replace(p_value, ',', '.')), '([.][0-9]{6})[0-9]+', '\1')
          || CASE WHEN length(p_value) = 10 THEN ' 00:00:00Z'
                  WHEN substr(p_value, 11) ~ '[Zz+-]|UTC' THEN ''
                  ELSE 'Z' END)::timestamptz
END;
COMMENT ON FUNCTION staging._iso_time(text) IS 'An ISO 8601 time or date as a time, UTC without an offset; NULL if it is not one';

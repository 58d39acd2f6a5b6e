-- How values are read from text. None of these raises, so that one bad value cannot end a load; all are expressions
-- bound when they are created, which the planner inlines and parallel workers may run.

-- Without the blanks around it; NULL if nothing is left.
CREATE OR REPLACE FUNCTION staging._trimmed(p_value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(btrim(p_value, E' \t\n\r\f\x0b'), '');
COMMENT ON FUNCTION staging._trimmed(text) IS 'Without the blanks around it; NULL if nothing is left';

-- An ISO 8601 time with or without offset or fraction, or a date (its midnight); without an offset it is UTC. Digits
-- after the microsecond are cut. NULL if it is none. No time is longer than 36 bytes: megabytes are not looked through.
-- The usual shapes come first: of regular expressions each character costs, and each alternative.
--
-- p_today: what most values begin with, '2025-12-19T': of those only the rest is looked at. NULL for none.
CREATE OR REPLACE FUNCTION staging._to_timestamptz(p_value text, p_today text DEFAULT NULL) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN octet_length(p_value) > 36 THEN NULL
    WHEN starts_with(p_value, p_today) AND substr(p_value, 12) ~ '^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$'
    THEN p_value::timestamptz
    WHEN octet_length(p_value) = 10 AND p_value ~ '^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$'
    THEN (p_value || ' 00:00:00Z')::timestamptz
    WHEN octet_length(p_value) = 20
         AND p_value ~ '^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$'
    THEN p_value::timestamptz
    WHEN p_value ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?( ?([Zz]|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?))?)?$'
         AND left(p_value, 4) <> '0000'
         AND substr(p_value, 9, 2)::integer <= CASE
             WHEN substr(p_value, 6, 2) IN ('04', '06', '09', '11') THEN 30
             WHEN substr(p_value, 6, 2) <> '02' THEN 31
             WHEN substr(p_value, 1, 4)::integer % 4 = 0
                  AND (substr(p_value, 1, 4)::integer % 100 <> 0 OR substr(p_value, 1, 4)::integer % 400 = 0) THEN 29
             ELSE 28 END
    THEN (regexp_replace(upper(replace(p_value, ',', '.')), '([.][0-9]{6})[0-9]+', '\1')
          || CASE WHEN length(p_value) = 10 THEN ' 00:00:00Z'
                  WHEN substr(p_value, 11) ~ '[Zz+-]' THEN ''
                  ELSE 'Z' END)::timestamptz
END;
COMMENT ON FUNCTION staging._to_timestamptz(text, text) IS 'An ISO 8601 time or date as a time, UTC without an offset; NULL if it is none';

-- A decimal number of up to 40 characters and an exponent of two digits; NULL if it is none.
CREATE OR REPLACE FUNCTION staging._to_number(p_value text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN length(p_value) <= 40 AND p_value ~ '^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,2})?$' THEN p_value::numeric
END;
COMMENT ON FUNCTION staging._to_number(text) IS 'A decimal number; NULL if it is none';

-- Whether a JSON text can become columns: valid JSON may hold \u0000 or half a surrogate pair, which no text can.
-- Escaped backslashes go first, so that \\u0000 (a backslash and five characters) is not mistaken for one.
CREATE OR REPLACE FUNCTION staging._is_storable(p_json_text text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(replace(p_json_text, '\\', '  '),
                      '\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', '', 'g')
       !~ '\\u(0000|[dD][89a-fA-F])';
COMMENT ON FUNCTION staging._is_storable(text) IS 'Whether a JSON text can become columns: it holds no \u0000 and no half of a surrogate pair';

-- Whether a JSON value is an object or array where a plain value belongs. The CASE keeps the JSON from being looked
-- at where the text already says no: that would be once per item of a large order.
CREATE OR REPLACE FUNCTION staging._is_nested(p_value text, p_json json) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ascii(p_value) IN (ascii('{'), ascii('[')) THEN coalesce(json_typeof(p_json) IN ('object', 'array'), false) ELSE false END;
COMMENT ON FUNCTION staging._is_nested(text, json) IS 'Whether a JSON value is an object or array where a plain value belongs';

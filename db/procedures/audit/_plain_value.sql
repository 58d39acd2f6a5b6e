-- A field of a record as cleaning reads it; NULL if it is an object or array, or the record is no object. PostgreSQL's text
-- cannot hold all that JSON can (\u0000, half a surrogate pair): such characters are replaced, so that the rest can be read.
CREATE OR REPLACE FUNCTION audit._plain_value(p_record json, p_field text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $_plain_value$
    SELECT CASE WHEN json_typeof(r.record -> p_field) NOT IN ('object', 'array') THEN staging._trimmed(r.record ->> p_field) END
    FROM (
        SELECT CASE WHEN staging._is_storable(p_record::text) THEN p_record
                    -- Control characters, which no JSON text contains, stand in for escaped backslashes and whole pairs.
                    ELSE replace(replace(regexp_replace(regexp_replace(replace(p_record::text, '\\', E'\x01'),
                             '\\(u[dD][89abAB][0-9a-fA-F]{2})\\(u[dD][c-fC-F][0-9a-fA-F]{2})', E'\x02\\1\x02\\2', 'g'),
                             '\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\ufffd', 'g'), E'\x02', '\'), E'\x01', '\\')::json
               END AS record
    ) AS r;
$_plain_value$;
COMMENT ON FUNCTION audit._plain_value(json, text) IS 'A field of a record as cleaning reads it; NULL if it is not a plain value';

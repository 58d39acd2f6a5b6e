-- A regular expression for \uXXXX, whatever the case of its digits.
CREATE OR REPLACE FUNCTION audit._escape_pattern(p_code integer, p_is_line boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_escape_pattern$
    SELECT CASE WHEN p_is_line THEN '\\\\u' ELSE '\\u' END
           || (SELECT string_agg(CASE WHEN h.digit BETWEEN 'a' AND 'f' THEN format('[%s%s]', h.digit, upper(h.digit)) ELSE h.digit END,
                                 '' ORDER BY h.place)
               FROM unnest(string_to_array(lpad(to_hex(p_code), 4, '0'), NULL)) WITH ORDINALITY AS h (digit, place));
$_escape_pattern$;
COMMENT ON FUNCTION audit._escape_pattern(integer, boolean) IS 'A regular expression for \uXXXX, whatever the case of its digits';

-- A text as JSON writes it in ASCII: é is \u00e9, 😀 is \ud83d\ude00.
CREATE OR REPLACE FUNCTION audit._in_ascii(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $_in_ascii$
    SELECT string_agg(CASE WHEN c.code < 128 THEN substr(left(to_json(c.sign)::text, -1), 2)
                           WHEN c.code < 65536 THEN '\u' || lpad(to_hex(c.code), 4, '0')
                           ELSE '\u' || to_hex(55296 + (c.code - 65536) / 1024) || '\u' || to_hex(56320 + (c.code - 65536) % 1024)
                      END, '' ORDER BY c.place)
    FROM (SELECT s.sign, ascii(s.sign) AS code, s.place
          FROM regexp_split_to_table(p_text, '') WITH ORDINALITY AS s (sign, place)) AS c;
$_in_ascii$;
COMMENT ON FUNCTION audit._in_ascii(text) IS 'A text as JSON writes it in ASCII';

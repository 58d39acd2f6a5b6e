-- A name that a delivery brought, as the report may show it: on one line, without characters that only steer a screen or turn
-- the direction of writing, without what looks like a mail address or a long number, and cut.
--
-- p_text:   the name;  p_digits: so many digits in a row, however they are grouped, are a long number
-- Returns:  at most 80 characters; NULL for nothing
CREATE OR REPLACE FUNCTION audit._shown(p_text text, p_digits integer DEFAULT 7) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_shown$
    SELECT nullif(CASE WHEN length(p.plain) > 80 THEN left(p.plain, 79) || '…' ELSE p.plain END, '')
    FROM (SELECT regexp_replace(left(p_text, 400),
              E'[\\x01-\\x1f\\x7f-\\xa0\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb]+', ' ', 'g') AS text) AS c
    CROSS JOIN LATERAL (
        SELECT btrim(regexp_replace(regexp_replace(c.text, '\S*[@＠]\S*', '…', 'g'),
                                    format('[[:digit:]]([ ./_-]?[[:digit:]]){%s,}', p_digits - 1), '…', 'g')) AS plain
    ) AS p;
$_shown$;
COMMENT ON FUNCTION audit._shown(text, integer) IS 'A name that a delivery brought, as the report may show it';

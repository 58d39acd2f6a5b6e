-- The reason of a rejection or refusal without what it quotes. Reasons about a field are our own words; others may quote a header, a
-- record or an error, and end where they begin to.
--
-- Reads:  staging.fields
CREATE OR REPLACE FUNCTION audit._plain_reason(p_source text, p_reason text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_plain_reason$
    SELECT c.prefix || audit._shown(CASE
               WHEN EXISTS (SELECT FROM staging.fields f WHERE f.source = p_source AND f.field = split_part(c.reason, ' ', 1)) THEN c.reason
               ELSE regexp_replace(left(c.reason, 200), E'[:("''`“”„«\\[{<].*$', '…') END, 5)
    FROM (SELECT r.prefix, CASE r.prefix WHEN '' THEN p_reason ELSE substr(p_reason, length(r.prefix) + 1) END AS reason
          FROM (SELECT CASE WHEN starts_with(p_reason, 'another line of the order is rejected: ')
                            THEN 'another line of the order is rejected: ' ELSE '' END AS prefix) AS r) AS c;
$_plain_reason$;
COMMENT ON FUNCTION audit._plain_reason(text, text) IS 'The reason of a rejection or refusal without what it quotes';

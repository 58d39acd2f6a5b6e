-- A failed value that the report may show: short, made of letters, digits and plain signs, with at most four digits, so that it is
-- no mail address, no id, and neither a card's nor a telephone's number; and of a field that holds a code, number or time: never an
-- id or a text, which may be anything. NULL if it may not.
--
-- p_source, p_reason: of the rejection; a reason begins with the name of its field
-- Reads:   staging.fields
CREATE OR REPLACE FUNCTION audit._harmless(p_source text, p_reason text, p_value text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_harmless$
    SELECT p_value
    WHERE p_value COLLATE "C" ~ '^[A-Za-z0-9 _.,:;/+-]{1,24}$'
      AND length(regexp_replace(p_value COLLATE "C", '[^0-9]', '', 'g')) <= 4
      AND EXISTS (SELECT FROM staging.fields f
                  WHERE f.source = p_source AND f.field = split_part(p_reason, ' ', 1) AND NOT f.is_personal
                    AND f.kind IN ('code', 'quantity', 'money', 'time', 'date'));
$_harmless$;
COMMENT ON FUNCTION audit._harmless(text, text, text) IS 'A failed value if it is short and harmless, else NULL';

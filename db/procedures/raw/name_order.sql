-- What orders file names where "the file name decides": their bytes, but digits as numbers, so that orders_9 comes before
-- orders_10. Compare it as bytes (COLLATE "C"), then the name itself. glue.landing.name_order says the same.
--
-- Returns: the name, each run of digits as 0, its length without leading zeros in three digits, and itself without them
CREATE OR REPLACE FUNCTION raw.name_order(p_file_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $name_order$
    SELECT coalesce(string_agg(p.text || CASE WHEN p.digits <> '' THEN '0' || lpad(length(n.number)::text, 3, '0') || n.number ELSE '' END,
                               '' ORDER BY p.place) COLLATE "C", '')
    FROM (SELECT m.found[1] AS text, m.found[2] AS digits, m.place
          FROM regexp_matches(p_file_name, '([^0-9]*)([0-9]*)', 'g') WITH ORDINALITY AS m (found, place)) AS p
    CROSS JOIN LATERAL (SELECT ltrim(p.digits, '0') AS number) AS n;
$name_order$;
COMMENT ON FUNCTION raw.name_order(text) IS 'What orders file names: their bytes, but digits as numbers';

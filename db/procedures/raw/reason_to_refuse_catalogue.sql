-- Why what the products API gave is not taken for the catalogue of a day: an empty one is an error of the API, or of whoever
-- asks it, unless the catalogue before it was empty, too.
--
-- p_day:      the day
-- p_products: how many products it has
-- Returns:    the reason; NULL if it is taken
-- Reads:      raw.file_loads
-- Errors:     WH004 no date
CREATE OR REPLACE FUNCTION raw.reason_to_refuse_catalogue(p_day date, p_products bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $reason_to_refuse_catalogue$
    SELECT warehouse._refuse_day(p_day, 'a catalogue');
    SELECT CASE
        WHEN p_products > 0 OR before.row_count = 0 THEN NULL
        WHEN before.row_count IS NULL
        THEN 'the catalogue is empty, and there was none before (if there are no products yet, deliver a file products.json that holds [])'
        ELSE format('the catalogue is empty, and that of %s had %s products (if there are none any more, deliver a file products.json that holds [])',
                    before.run_date, before.row_count)
    END
    FROM (SELECT) AS asked
    LEFT JOIN LATERAL (SELECT l.run_date, l.row_count FROM raw.file_loads l
                       WHERE l.source = 'products' AND l.run_date <= p_day AND l.refused_reason IS NULL
                       ORDER BY l.run_date DESC, l.load_id DESC LIMIT 1) AS before ON true;
$reason_to_refuse_catalogue$;
COMMENT ON FUNCTION raw.reason_to_refuse_catalogue(date, bigint) IS 'Why what the products API gave is not taken for the catalogue of a day; NULL if it is';

-- Why the products API is not asked for the catalogue of a day: it knows only today's prices, and is asked once.
--
-- p_day:   the day
-- Returns: the reason; NULL if the API is to be asked: for today or yesterday (the shop's: setting time_zone), while raw has no catalogue of that day
-- Reads:   raw.file_loads
-- Errors:  WH004 no date
CREATE OR REPLACE FUNCTION raw.reason_not_to_ask(p_day date) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $reason_not_to_ask$
    SELECT warehouse._refuse_day(p_day, 'a catalogue');
    SELECT CASE
        WHEN p_day NOT IN (today.day, today.day - 1) THEN 'no file, and the API is not asked: it knows only today''s prices (--refresh asks it)'
        WHEN EXISTS (SELECT FROM raw.file_loads l
                     WHERE l.source = 'products' AND l.run_date = p_day AND l.refused_reason IS NULL)
        THEN 'raw has a catalogue already (--refresh asks for another)'
    END
    FROM (VALUES ((now() AT TIME ZONE staging.time_zone())::date)) AS today (day);
$reason_not_to_ask$;
COMMENT ON FUNCTION raw.reason_not_to_ask(date) IS 'Why the products API is not asked for the catalogue of a day; NULL if it is';

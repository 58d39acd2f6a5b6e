-- audit.day_advice for the report: a statement that has a value of a delivery in it, which could be an id or a number of a card, is not
-- shown.
--
-- p_day:  the day
-- Reads:  audit.day_advice
-- Errors: WH004 no date
CREATE OR REPLACE FUNCTION audit.day_next(p_day date)
RETURNS TABLE (place integer, advice text, statement text, then_run boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $day_next$
    SELECT a.place, a.advice,
           CASE WHEN a.statement NOT LIKE '%staging.codes%' OR length(regexp_replace(a.statement COLLATE "C", '[^0-9]', '', 'g')) <= 4 THEN a.statement END,
           a.then_run
    FROM audit.day_advice(p_day) a
    ORDER BY a.place;
$day_next$;
COMMENT ON FUNCTION audit.day_next(date) IS 'What makes sense next for a day, for the report';

-- The days that a day is compared with: the same weekday of the four weeks before, as far as they are loaded, newest first.
-- With audit.day_compared, which takes their mean, this is what "usual" means.
--
-- Reads: warehouse.daily_metrics
CREATE OR REPLACE FUNCTION audit.usual_days(p_day date) RETURNS date[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $usual_days$
    SELECT warehouse._refuse_day(p_day, 'a comparison');
    SELECT array_agg(m.run_date ORDER BY m.run_date DESC)
    FROM warehouse.daily_metrics m
    WHERE m.run_date IN (p_day - 7, p_day - 14, p_day - 21, p_day - 28) AND m.status = 'succeeded';
$usual_days$;
COMMENT ON FUNCTION audit.usual_days(date) IS 'The days that a day is compared with: the same weekday of the four weeks before, as far as they are loaded; NULL for none';

-- audit.days_bridge of one day.
--
-- p_day:   the day
-- Returns: no row without days to compare with
-- Reads:   audit.days_bridge
-- Errors:  WH004 no date
CREATE OR REPLACE FUNCTION audit.day_bridge(p_day date)
RETURNS TABLE (place integer, label text, amount numeric, starts_at numeric, ends_at numeric, is_total boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $day_bridge$
    SELECT b.place, b.label, b.amount, b.starts_at, b.ends_at, b.is_total FROM audit.days_bridge(p_day, p_day) b ORDER BY b.place;
$day_bridge$;
COMMENT ON FUNCTION audit.day_bridge(date) IS 'From the usual net revenue to that of a day, step by step';

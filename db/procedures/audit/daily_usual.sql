-- audit.usual_values for who may not read profiles: the report.
--
-- p_measure:    audit.measures;  p_from, p_to: the days
-- Reads:        audit.usual_values
-- Errors:       WH004 no such measure, no date
CREATE OR REPLACE FUNCTION audit.daily_usual(p_measure text, p_from date, p_to date)
RETURNS TABLE (
    run_date date, kind text, value numeric, usual numeric, low numeric, high numeric, z numeric, days integer, weekdays integer, expected text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $daily_usual$
    SELECT u.run_date, u.kind, u.value, u.usual, u.low, u.high, u.z, u.days, u.weekdays, u.expected
    FROM audit.usual_values(p_measure, p_from, p_to) u;
$daily_usual$;
COMMENT ON FUNCTION audit.daily_usual(text, date, date) IS 'What is usual for a measure, day by day, for the report';

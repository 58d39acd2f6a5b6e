-- What is usual for a measure on one day: audit.usual_values of it. No row if the day does not have the measure.
CREATE OR REPLACE FUNCTION audit.usual_value(p_measure text, p_day date)
RETURNS TABLE (value numeric, usual numeric, low numeric, high numeric, z numeric, days integer, weekdays integer, expected text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $usual_value$
    SELECT u.value, u.usual, u.low, u.high, u.z, u.days, u.weekdays, u.expected FROM audit.usual_values(p_measure, p_day, p_day) u;
$usual_value$;
COMMENT ON FUNCTION audit.usual_value(text, date) IS 'What is usual for a measure on one day: value, usual, low, high, z, and of how many days';

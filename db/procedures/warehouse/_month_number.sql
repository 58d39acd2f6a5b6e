-- Months since January of the year 0.
CREATE OR REPLACE FUNCTION warehouse._month_number(p_date date) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_month_number$
    SELECT (extract(year FROM p_date) * 12 + extract(month FROM p_date) - 1)::integer;
$_month_number$;
COMMENT ON FUNCTION warehouse._month_number(date) IS 'Months since January of the year 0';

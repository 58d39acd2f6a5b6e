-- The oldest day that an order or event of a load may be of: setting oldest_order_days.
--
-- Reads: audit.settings
CREATE OR REPLACE FUNCTION staging.oldest_date(p_load_date date) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $oldest_date$
    SELECT warehouse._refuse_day(p_load_date, 'an age limit');
    SELECT p_load_date - coalesce(audit._setting('oldest_order_days'), 36525);
$oldest_date$;
COMMENT ON FUNCTION staging.oldest_date(date) IS 'The oldest day that an order or event of a load may be of: setting oldest_order_days';

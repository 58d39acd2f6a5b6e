-- What the view warehouse.daily_sales_by says of a kind of groups, from a day to another, for who may read the report: on a cluster the
-- view reads facts on the workers with the rights of who asks, this with the owner's.
--
-- p_kind:   category, city or source;  p_from, p_to: days of delivery, both included
-- Reads:    warehouse.daily_sales_by: of cities and sources the facts of these days
-- Errors:   WH004 no date
CREATE OR REPLACE FUNCTION warehouse.daily_sales_by(p_kind text, p_from date, p_to date)
RETURNS TABLE (day date, name text, lines bigint, net_revenue numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $daily_sales_by$
BEGIN
    PERFORM warehouse._refuse_day(p_from, 'daily_sales_by'), warehouse._refuse_day(p_to, 'daily_sales_by');
    RETURN QUERY
    SELECT d.day, d.name, d.lines, d.net_revenue
    FROM warehouse.daily_sales_by d
    WHERE d.kind = p_kind AND d.day BETWEEN p_from AND p_to;
END
$daily_sales_by$;
COMMENT ON FUNCTION warehouse.daily_sales_by(text, date, date) IS 'What was sold per day, from a day to another, by category, city or source; groups under five orders are together in (other)';

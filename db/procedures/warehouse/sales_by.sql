-- warehouse.sales_by_kinds of one kind.
--
-- p_kind:   category, city or source;  p_from, p_to: days of delivery, both included
-- Reads:    warehouse.sales_by_kinds
-- Errors:   WH004 no date
CREATE OR REPLACE FUNCTION warehouse.sales_by(p_kind text, p_from date, p_to date)
RETURNS TABLE (place bigint, name text, orders bigint, lines bigint, net_revenue numeric)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $sales_by$
    SELECT s.place, s.name, s.orders, s.lines, s.net_revenue FROM warehouse.sales_by_kinds(ARRAY[p_kind], p_from, p_to) s ORDER BY s.place;
$sales_by$;
COMMENT ON FUNCTION warehouse.sales_by(text, date, date) IS 'What was sold from a day to another by category, city or source; groups under five orders are together in (other)';

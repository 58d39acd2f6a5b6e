-- audit.days_compared for who may not read the facts: the report.
--
-- p_from, p_to: the days
-- Reads:        audit.days_compared
-- Errors:       WH004 no date
CREATE OR REPLACE FUNCTION audit.days_beside(p_from date, p_to date)
RETURNS TABLE (
    day date, place bigint, what text, run_date date, delivered numeric, duplicate numeric, rejected numeric, superseded numeric, not_loaded numeric,
    no_sale numeric, sold numeric, net_revenue numeric, per_line_sold numeric, in_words text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $days_beside$
    SELECT c.day, c.place, c.what, c.run_date, c.delivered, c.duplicate, c.rejected, c.superseded, c.not_loaded, c.no_sale, c.sold,
           c.net_revenue, c.per_line_sold, c.in_words
    FROM audit.days_compared(p_from, p_to) c;
$days_beside$;
COMMENT ON FUNCTION audit.days_beside(date, date) IS 'Each day of a range beside the days that it is compared with, for the report';

-- audit.day_compared for who may not read the facts: the report.
--
-- p_day:  the day
-- Reads:  audit.day_compared
-- Errors: WH004 no date
CREATE OR REPLACE FUNCTION audit.day_beside(p_day date)
RETURNS TABLE (
    what text, run_date date, delivered numeric, duplicate numeric, rejected numeric, superseded numeric, not_loaded numeric,
    no_sale numeric, sold numeric, net_revenue numeric, per_line_sold numeric, in_words text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $day_beside$
    SELECT c.what, c.run_date, c.delivered, c.duplicate, c.rejected, c.superseded, c.not_loaded, c.no_sale, c.sold, c.net_revenue,
           c.per_line_sold, c.in_words
    FROM audit.day_compared(p_day) c;
$day_beside$;
COMMENT ON FUNCTION audit.day_beside(date) IS 'A day beside the days that it is compared with, for the report';

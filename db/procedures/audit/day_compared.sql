-- audit.days_compared of one day.
--
-- p_day:   the day
-- Reads:   audit.days_compared
-- Errors:  WH004 no date
CREATE OR REPLACE FUNCTION audit.day_compared(p_day date)
RETURNS TABLE (
    what text, run_date date, delivered numeric, duplicate numeric, rejected numeric, superseded numeric, not_loaded numeric,
    no_sale numeric, sold numeric, net_revenue numeric, per_line_sold numeric, in_words text
)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $day_compared$
    SELECT c.what, c.run_date, c.delivered, c.duplicate, c.rejected, c.superseded, c.not_loaded, c.no_sale, c.sold, c.net_revenue,
           c.per_line_sold, c.in_words
    FROM audit.days_compared(p_day, p_day) c
    ORDER BY c.place;
$day_compared$;
COMMENT ON FUNCTION audit.day_compared(date) IS 'A day beside the days that it is compared with, the middle of these (the usual), and the main cause of the difference';

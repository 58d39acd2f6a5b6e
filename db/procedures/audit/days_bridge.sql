-- From the usual net revenue to that of each day of a range, step by step, as a waterfall: what more or fewer lines of each kind come to at the usual
-- net revenue of a line sold, and the rest, which is the price of a line. The amounts between the totals add up to the difference.
--
-- p_from, p_to: the days
-- Returns: no row for a day without days to compare with
-- Reads:   audit.days_compared
-- Errors:  WH004 no date
CREATE OR REPLACE FUNCTION audit.days_bridge(p_from date, p_to date)
RETURNS TABLE (day date, place integer, label text, amount numeric, starts_at numeric, ends_at numeric, is_total boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $days_bridge$
    -- A day has one row of each.
    WITH sides AS (
        SELECT c.day, max(c.net_revenue) FILTER (WHERE c.what = 'this day') AS this_day,
               max(c.net_revenue) FILTER (WHERE c.what = 'usual') AS usual, max(c.sold) FILTER (WHERE c.what = 'usual') AS usual_sold,
               max(c.delivered) FILTER (WHERE c.what = 'difference') AS delivered, max(c.duplicate) FILTER (WHERE c.what = 'difference') AS duplicate,
               max(c.rejected) FILTER (WHERE c.what = 'difference') AS rejected, max(c.superseded) FILTER (WHERE c.what = 'difference') AS superseded,
               max(c.not_loaded) FILTER (WHERE c.what = 'difference') AS not_loaded, max(c.no_sale) FILTER (WHERE c.what = 'difference') AS no_sale
        FROM audit.days_compared(p_from, p_to) c
        GROUP BY c.day
        HAVING bool_or(c.what = 'difference')
    ),
    parts AS (
        SELECT s.day, s.usual, s.this_day, p.place, p.label, round(p.lines * s.usual / coalesce(nullif(s.usual_sold, 0), 1), 2) AS amount
        FROM sides s
        CROSS JOIN LATERAL (VALUES (2, 'delivered', s.delivered), (3, 'duplicate', -s.duplicate), (4, 'rejected', -s.rejected),
                                   (5, 'superseded', -s.superseded), (6, 'not loaded', -s.not_loaded), (7, 'no sale', -s.no_sale)
        ) AS p (place, label, lines)
    ),
    steps AS (
        SELECT p.day, p.usual, p.place, p.label, p.amount FROM parts p
        UNION ALL
        SELECT p.day, p.usual, 8, 'price per line', p.this_day - p.usual - sum(p.amount) FROM parts p GROUP BY p.day, p.usual, p.this_day
    )
    SELECT s.day, 1, 'usual ' || to_char(s.day::timestamp, 'FMDay'), s.usual, 0::numeric, s.usual, true FROM sides s
    UNION ALL
    SELECT t.day, t.place, t.label, t.amount, t.usual + sum(t.amount) OVER w - t.amount, t.usual + sum(t.amount) OVER w, false
    FROM steps t
    WINDOW w AS (PARTITION BY t.day ORDER BY t.place)
    UNION ALL
    SELECT s.day, 9, 'this day', s.this_day, 0::numeric, s.this_day, true FROM sides s
    ORDER BY 1, 2;
$days_bridge$;
COMMENT ON FUNCTION audit.days_bridge(date, date) IS 'From the usual net revenue to that of each day of a range, step by step';

-- From the usual net revenue to that of a day, step by step, as a waterfall: what more or fewer lines of each kind come to at the usual
-- net revenue of a line sold, and the rest, which is the price of a line. The amounts between the totals add up to the difference.
--
-- p_day:   the day
-- Returns: no row without days to compare with
-- Reads:   audit.day_compared
-- Errors:  WH004 no date
CREATE OR REPLACE FUNCTION audit.day_bridge(p_day date)
RETURNS TABLE (place integer, label text, amount numeric, starts_at numeric, ends_at numeric, is_total boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $day_bridge$
    WITH compared AS (
        SELECT c.what, c.delivered, c.duplicate, c.rejected, c.superseded, c.not_loaded, c.no_sale, c.sold, c.net_revenue
        FROM audit.day_compared(p_day) c
    ),
    sides AS (
        SELECT u.net_revenue AS usual, t.net_revenue AS this_day,
               d.delivered, d.duplicate, d.rejected, d.superseded, d.not_loaded, d.no_sale,
               u.net_revenue / coalesce(nullif(u.sold, 0), 1) AS per_line
        FROM compared t
        JOIN compared u ON u.what = 'usual'
        JOIN compared d ON d.what = 'difference'
        WHERE t.what = 'this day'
    ),
    parts AS (
        SELECT p.place, p.label, round(p.lines * s.per_line, 2) AS amount
        FROM sides s
        CROSS JOIN LATERAL (VALUES (2, 'delivered', s.delivered), (3, 'duplicate', -s.duplicate), (4, 'rejected', -s.rejected),
                                   (5, 'superseded', -s.superseded), (6, 'not loaded', -s.not_loaded), (7, 'no sale', -s.no_sale)
        ) AS p (place, label, lines)
    ),
    steps AS (
        SELECT p.place, p.label, p.amount, false AS is_total FROM parts p
        UNION ALL
        SELECT 8, 'price per line', s.this_day - s.usual - (SELECT sum(p.amount) FROM parts p), false FROM sides s
    )
    SELECT 1, 'usual ' || to_char(p_day::timestamp, 'FMDay'), s.usual, 0::numeric, s.usual, true FROM sides s
    UNION ALL
    SELECT t.place, t.label, t.amount, s.usual + sum(t.amount) OVER (ORDER BY t.place) - t.amount,
           s.usual + sum(t.amount) OVER (ORDER BY t.place), t.is_total
    FROM steps t, sides s
    UNION ALL
    SELECT 9, 'this day', s.this_day, 0::numeric, s.this_day, true FROM sides s
    ORDER BY 1;
$day_bridge$;
COMMENT ON FUNCTION audit.day_bridge(date) IS 'From the usual net revenue to that of a day, step by step';

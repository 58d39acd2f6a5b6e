-- Each day of a range beside the days that it is compared with: its order lines from delivered down to sold, and the money.
--
-- p_from, p_to: the days
-- Returns: for each day a row `this day`; a row `before` per day of audit.usual_days; the `usual`; and the `difference` from it,
--          with its main cause in words. Without days before, the last two are missing; a day that never ran has no row of its own.
--          The usual is the day in the middle by net revenue, so that its lines add up; of an even number the mean of the two
-- Reads:   warehouse.daily_metrics of these days and of those that they are compared with
CREATE OR REPLACE FUNCTION audit.days_compared(p_from date, p_to date)
RETURNS TABLE (
    day date, place bigint, what text, run_date date, delivered numeric, duplicate numeric, rejected numeric, superseded numeric, not_loaded numeric,
    no_sale numeric, sold numeric, net_revenue numeric, per_line_sold numeric, in_words text
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $days_compared$
BEGIN
    PERFORM warehouse._refuse_day(p_from, 'a story'), warehouse._refuse_day(p_to, 'a story');
    RETURN QUERY
    WITH days AS (
        SELECT j.day, m.run_date, m.run_date = j.day AS is_this_day, m.raw_order_lines_count AS delivered,
               m.duplicate_orders_count AS duplicate, m.rejected_orders_count AS rejected,
               m.superseded_orders_count AS superseded,
               m.staging_orders_count - m.superseded_orders_count - m.fact_orders_count AS not_loaded,
               m.fact_orders_count - m.sold_lines_count AS no_sale, m.sold_lines_count AS sold, m.net_revenue
        FROM (SELECT d.day::date AS day FROM generate_series(p_from::timestamp, p_to::timestamp, '1 day') AS d (day)) AS j
        CROSS JOIN LATERAL unnest(array_append(audit.usual_days(j.day), j.day)) AS u (run_date)
        JOIN warehouse.daily_metrics m ON m.run_date = u.run_date
    ),
    middle AS (
        SELECT b.* FROM (
            SELECT d.*, row_number() OVER (PARTITION BY d.day ORDER BY d.net_revenue, d.run_date) AS rank, count(*) OVER (PARTITION BY d.day) AS size
            FROM days d
            WHERE NOT d.is_this_day
        ) AS b
        WHERE b.rank IN ((b.size + 1) / 2, b.size / 2 + 1)
    ),
    mean AS (
        SELECT d.day, avg(d.delivered) AS delivered, avg(d.duplicate) AS duplicate, avg(d.rejected) AS rejected,
               avg(d.superseded) AS superseded, avg(d.not_loaded) AS not_loaded, avg(d.no_sale) AS no_sale,
               avg(d.sold) AS sold, avg(d.net_revenue) AS net_revenue
        FROM middle d
        GROUP BY d.day
    ),
    sides AS (
        SELECT d.day, CASE WHEN d.is_this_day THEN 'this day' ELSE 'before' END AS what, d.run_date,
               d.delivered::numeric, d.duplicate::numeric, d.rejected::numeric, d.superseded::numeric,
               d.not_loaded::numeric, d.no_sale::numeric, d.sold::numeric, round(d.net_revenue, 2) AS net_revenue,
               round(d.net_revenue / greatest(d.sold, 1), 2) AS per_line_sold
        FROM days d
        UNION ALL
        SELECT m.day, 'usual', NULL, round(m.delivered), round(m.duplicate), round(m.rejected), round(m.superseded),
               round(m.not_loaded), round(m.no_sale), round(m.sold), round(m.net_revenue, 2),
               round(m.net_revenue / coalesce(nullif(m.sold, 0), 1), 2)
        FROM mean m
    ),
    difference AS (
        SELECT t.day, t.delivered - u.delivered AS delivered, t.duplicate - u.duplicate AS duplicate,
               t.rejected - u.rejected AS rejected, t.superseded - u.superseded AS superseded,
               t.not_loaded - u.not_loaded AS not_loaded, t.no_sale - u.no_sale AS no_sale, t.sold - u.sold AS sold,
               t.net_revenue - u.net_revenue AS net_revenue, t.per_line_sold - u.per_line_sold AS per_line_sold,
               u.net_revenue AS usual_revenue,
               (t.sold - u.sold) * u.net_revenue / coalesce(nullif(u.sold, 0), 1) AS revenue_of_lines
        FROM sides t
        JOIN sides u ON u.day = t.day AND u.what = 'usual'
        WHERE t.what = 'this day'
    ),
    -- What adds the most lines to those sold, or takes the most away: fewer delivered are as bad as more rejected.
    cause AS (
        SELECT DISTINCT ON (d.day) d.day,
               format('%s %s lines %s', to_char(abs(c.lines), 'FM999,999,999,999,990'),
                      CASE WHEN c.lines > 0 THEN 'more' ELSE 'fewer' END, c.name) AS lines
        FROM difference d
        CROSS JOIN LATERAL (VALUES
            (1, 'delivered', d.delivered, d.delivered), (2, 'duplicate', d.duplicate, -d.duplicate),
            (3, 'rejected', d.rejected, -d.rejected), (4, 'superseded', d.superseded, -d.superseded),
            (5, 'not loaded', d.not_loaded, -d.not_loaded), (6, 'with a status that is not a sale', d.no_sale, -d.no_sale)
        ) AS c (place, name, lines, added)
        ORDER BY d.day, c.added * sign(d.net_revenue) DESC, c.place
    ),
    words AS (
        SELECT d.day,
               CASE WHEN d.usual_revenue = 0 AND d.net_revenue <> 0
                    THEN format('The %s had no net revenue.', w.days_before)
                    -- A difference of up to 5 % of the money counts as usual.
                    WHEN abs(d.net_revenue) <= 0.05 * d.usual_revenue
                    THEN format('Net revenue is about that of the %s.', w.days_before)
                    ELSE format('Net revenue is %s%% %s usual', round(100 * abs(d.net_revenue) / d.usual_revenue),
                                CASE WHEN d.net_revenue > 0 THEN 'above' ELSE 'below' END)
                         || CASE WHEN abs(d.net_revenue - d.revenue_of_lines) > abs(d.revenue_of_lines)
                                 THEN format(': the goods sold cost %s, or a price is wrong.',
                                             CASE WHEN d.net_revenue > 0 THEN 'more' ELSE 'less' END)
                                 ELSE format(', mostly due to %s.', c.lines) END
               END AS in_words
        FROM difference d
        JOIN cause c ON c.day = d.day
        CROSS JOIN LATERAL (SELECT to_char(d.day::timestamp, 'FMDay') || 's before' AS days_before) AS w
    )
    SELECT s.day, row_number() OVER (PARTITION BY s.day ORDER BY array_position(ARRAY['this day', 'before', 'usual', 'difference'], s.what), s.run_date DESC),
           s.what, s.run_date, s.delivered, s.duplicate, s.rejected, s.superseded, s.not_loaded, s.no_sale, s.sold,
           s.net_revenue, s.per_line_sold, s.in_words
    FROM (
        SELECT s.*, NULL AS in_words
        FROM sides s
        UNION ALL
        SELECT d.day, 'difference', NULL, d.delivered, d.duplicate, d.rejected, d.superseded, d.not_loaded, d.no_sale, d.sold,
               d.net_revenue, d.per_line_sold, w.in_words
        FROM difference d
        JOIN words w ON w.day = d.day
    ) AS s
    ORDER BY 1, 2;
END
$days_compared$;
COMMENT ON FUNCTION audit.days_compared(date, date) IS 'Each day of a range beside the days that it is compared with, the middle of these (the usual), and the main cause of the difference';

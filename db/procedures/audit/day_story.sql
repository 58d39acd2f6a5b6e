-- The story of a day, to be read from top to bottom: where every delivered line went, and why.
--
-- p_day:   the day
-- Reads:   the views and functions of its sections, each of which can be asked for by itself: audit.day_health,
--          day_deliveries, day_lines, rejected_reasons, day_superseded, day_statuses, last_verdicts, dq_overrides,
--          day_compared, day_advice. Their cost is that of the day and of eight days before
CREATE OR REPLACE FUNCTION audit.day_story(p_day date) RETURNS TABLE (section text, place integer, told text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET "DateStyle" = 'ISO, YMD'
AS $day_story$
BEGIN
    PERFORM warehouse._refuse_day(p_day, 'a story');
    RETURN QUERY
    WITH compared AS (
        SELECT c.* FROM audit.day_compared(p_day) c
    ),
    sections (number, section, place, told) AS (
        SELECT 1, 'day', 1::bigint,
               coalesce((SELECT format('%s, %s: %s; runs so far: %s', h.weekday, h.run_date, h.state, h.runs)
                         FROM audit.day_health h WHERE h.run_date = p_day),
                        format('nothing was ever delivered or run for %s', p_day))
        UNION ALL
        SELECT 2, 'deliveries', row_number() OVER (ORDER BY d.source, d.file_name, d.load_id),
               format('%s: %s: %s rows, %s rejected, %s', d.source, d.file_name, d.row_count, d.rejected_count, d.state)
        FROM audit.day_deliveries d
        WHERE d.run_date = p_day
        UNION ALL
        SELECT 3, 'lines', row_number() OVER (ORDER BY l.source DESC),
               format('%s: %s delivered - %s duplicate - %s rejected = %s clean - %s superseded = %s in the facts', l.source,
                      l.delivered, l.duplicate, l.rejected, l.clean, l.superseded, l.in_facts) || coalesce('. ' || l.note, '')
        FROM audit.day_lines l
        WHERE l.run_date = p_day
        UNION ALL
        SELECT 4, 'rejected', row_number() OVER (ORDER BY r.rows DESC, r.source, r.failure_reason),
               format('%s of %s: %s; at %s', r.rows, r.source, r.failure_reason || coalesce(': ' || r.example, ''), r.first_at)
        FROM audit.rejected_reasons r
        WHERE r.run_date = p_day
        UNION ALL
        SELECT 5, 'superseded', row_number() OVER (ORDER BY s.by_day),
               format('by %s: %s orders, %s lines, revenue %s', s.by_day, s.orders, s.lines, round(s.revenue, 2))
        FROM audit.day_superseded s
        WHERE s.run_date = p_day
        UNION ALL
        SELECT 6, 'statuses', row_number() OVER (ORDER BY s.revenue DESC, s.status),
               format('%s, %s: %s orders, %s lines, revenue %s', s.status,
                      CASE WHEN s.counts_as_sale THEN 'a sale' ELSE 'no sale' END, s.orders, s.lines, round(s.revenue, 2))
        FROM audit.day_statuses s
        WHERE s.run_date = p_day
        UNION ALL
        SELECT 7, 'failed rules', row_number() OVER (ORDER BY v.severity, v.rule_name),
               format('%s, %s: %s', v.rule_name, v.severity, v.message)
               || coalesce('; such as ' || nullif(array_to_string(v.sample, ', '), ''), '')
        FROM audit.last_verdicts v
        WHERE v.run_date = p_day AND NOT v.passed
        UNION ALL
        SELECT 8, 'let through', row_number() OVER (ORDER BY o.override_id),
               format('%s, by %s: %s', to_char(o.allowed_at, 'YYYY-MM-DD HH24:MI:SS'), o.allowed_by, o.reason)
        FROM audit.dq_overrides o
        WHERE o.run_date = p_day
        UNION ALL
        SELECT 9, 'compared', m.place, format('%s: %s; usual %s, difference %s', m.measure, m.this_day, m.usual, m.difference)
        FROM compared t
        JOIN compared u ON u.what = 'usual'
        JOIN compared d ON d.what = 'difference'
        CROSS JOIN LATERAL (VALUES
            (1, 'delivered', t.delivered, u.delivered, d.delivered), (2, '- duplicate', t.duplicate, u.duplicate, d.duplicate),
            (3, '- rejected', t.rejected, u.rejected, d.rejected), (4, '- superseded', t.superseded, u.superseded, d.superseded),
            (5, '- not loaded', t.not_loaded, u.not_loaded, d.not_loaded), (6, '- no sale', t.no_sale, u.no_sale, d.no_sale),
            (7, '= sold', t.sold, u.sold, d.sold), (8, 'net revenue', t.net_revenue, u.net_revenue, d.net_revenue),
            (9, 'per line sold', t.per_line_sold, u.per_line_sold, d.per_line_sold)
        ) AS m (place, measure, this_day, usual, difference)
        WHERE t.what = 'this day'
        UNION ALL
        SELECT 10, 'difference', 1, c.in_words
        FROM compared c
        WHERE c.in_words IS NOT NULL
        UNION ALL
        SELECT 11, 'last error', 1, h.last_error
        FROM audit.day_health h
        WHERE h.run_date = p_day AND h.last_error IS NOT NULL
        UNION ALL
        SELECT 12, 'next', a.place,
               concat_ws('; then ', a.advice || coalesce(': ' || a.statement, ''),
                         CASE WHEN a.then_run THEN format('CALL warehouse.run_day(%L)', p_day) END)
        FROM audit.day_advice(p_day) a
    )
    SELECT s.section, s.place::integer, s.told
    FROM sections s
    ORDER BY s.number, s.place;
END
$day_story$;
COMMENT ON FUNCTION audit.day_story(date) IS 'The story of a day, to be read from top to bottom: where every delivered line went, and why';

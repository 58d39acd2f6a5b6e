-- What came of a day, in a line: what `run` says of it.
--
-- p_day:   the day
-- Returns: lines and events in the facts, what was rejected (of the catalogue, too, if anything), net revenue, the rules that
--          failed; NULL while it is not run
-- Reads:   audit.day_health, audit.bad_records
-- Errors:  WH004 no date
CREATE OR REPLACE FUNCTION audit.day_in_words(p_day date) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $day_in_words$
    SELECT warehouse._refuse_day(p_day, 'a story');
    SELECT format('%s order lines and %s events in the facts, %s rejected%s, net revenue %s', n.order_lines, n.events, n.rejected,
                  (SELECT ' and ' || to_char(sum(b.line_count), 'FM999,999,999,999,999,990') || ' of the catalogue'
                   FROM audit.bad_records b WHERE b.run_date = p_day AND b.source_table = 'raw.products_json'),
                  to_char(h.net_revenue, 'FM999,999,999,999,999,990.00')) || coalesce('; rules that failed: ' || h.failed_rules, '')
    FROM audit.day_health h
    CROSS JOIN LATERAL (
        SELECT to_char(h.order_lines, c.form) AS order_lines, to_char(h.events, c.form) AS events,
               to_char(h.rejected, c.form) AS rejected
        FROM (VALUES ('FM999,999,999,999,999,990')) AS c (form)
    ) AS n
    WHERE h.run_date = p_day AND h.order_lines IS NOT NULL;
$day_in_words$;
COMMENT ON FUNCTION audit.day_in_words(date) IS 'What came of a day, in a line; NULL while it is not run';

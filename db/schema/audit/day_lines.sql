CREATE VIEW audit.day_lines AS
SELECT m.run_date,
       l.source,
       l.delivered,
       l.duplicate,
       l.rejected,
       l.clean,
       l.superseded,
       l.in_facts,
       CASE WHEN m.status <> 'succeeded' AND l.in_facts > 0
            THEN format('The facts of %s are those of an earlier run: the day is %s.', l.source, m.status)
            WHEN l.clean <> l.superseded + l.in_facts
            THEN format('%s clean lines of %s are not in the facts: the day is %s.',
                        to_char(l.clean - l.superseded - l.in_facts, 'FM999,999,999,999,990'), l.source, m.status)
       END AS note
FROM warehouse.daily_metrics m
CROSS JOIN LATERAL (VALUES
    ('orders', m.raw_order_lines_count, m.duplicate_orders_count, m.rejected_orders_count, m.staging_orders_count,
     m.superseded_orders_count, m.fact_orders_count),
    ('events', m.raw_events_count, m.duplicate_events_count, m.rejected_events_count, m.staging_events_count,
     m.superseded_events_count, m.fact_events_count)
) AS l (source, delivered, duplicate, rejected, clean, superseded, in_facts);

COMMENT ON VIEW audit.day_lines IS 'One row per day and source: where every delivered line went. Orders count lines. Filter by run_date.';
COMMENT ON COLUMN audit.day_lines.run_date IS 'Day';
COMMENT ON COLUMN audit.day_lines.source IS 'orders or events';
COMMENT ON COLUMN audit.day_lines.delivered IS 'Lines delivered = duplicate + rejected + clean';
COMMENT ON COLUMN audit.day_lines.duplicate IS 'Lines that a later report of the same day replaced';
COMMENT ON COLUMN audit.day_lines.rejected IS 'Lines rejected: audit.bad_records';
COMMENT ON COLUMN audit.day_lines.clean IS 'Lines in staging = superseded + in_facts, once the day is loaded';
COMMENT ON COLUMN audit.day_lines.superseded IS 'Lines of orders and events while the report of another day counts';
COMMENT ON COLUMN audit.day_lines.in_facts IS 'Lines in the facts';
COMMENT ON COLUMN audit.day_lines.note IS 'What to know when the facts are not those of these lines; NULL when they are';

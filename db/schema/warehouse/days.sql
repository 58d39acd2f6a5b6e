CREATE VIEW warehouse.days AS
SELECT m.run_date AS load_date,
       m.status AS run_status,
       m.raw_order_lines_count + m.raw_events_count AS delivered,
       m.staging_orders_count + m.staging_events_count AS clean,
       m.duplicate_orders_count + m.duplicate_events_count AS duplicate,
       m.rejected_orders_count + m.rejected_events_count AS rejected,
       m.superseded_orders_count + m.superseded_events_count AS superseded,
       m.fact_orders_count + m.fact_events_count AS in_facts,
       m.revenue,
       m.net_revenue,
       m.dq_failed_count AS quality_failures,
       m.runtime_seconds,
       m.discount,
       m.tax,
       m.shipping,
       m.refunded,
       d.year,
       d.quarter,
       d.month,
       d.month_name,
       d.iso_year,
       d.week,
       d.day_of_week,
       d.day_name,
       d.is_weekend,
       -- Old names, of release 0.1.0.
       m.run_date AS day,
       m.status AS status
FROM warehouse.daily_metrics m
LEFT JOIN warehouse.dim_date d ON d.date = m.run_date;

COMMENT ON VIEW warehouse.days IS 'One row per day that was run: what was delivered and what became of it, order lines and events together. load_date is the day of the deliveries, not of the orders';
COMMENT ON COLUMN warehouse.days.load_date IS 'Day of the deliveries';
COMMENT ON COLUMN warehouse.days.run_status IS 'running, succeeded, failed or blocked: how its last run stands';
COMMENT ON COLUMN warehouse.days.delivered IS 'Lines delivered = clean + duplicate + rejected';
COMMENT ON COLUMN warehouse.days.clean IS 'Lines in staging = in_facts + superseded, once the day is loaded';
COMMENT ON COLUMN warehouse.days.duplicate IS 'Lines that a later report of the same day replaced';
COMMENT ON COLUMN warehouse.days.rejected IS 'Lines rejected: audit.bad_records';
COMMENT ON COLUMN warehouse.days.superseded IS 'Lines of orders and events while the report of another day counts';
COMMENT ON COLUMN warehouse.days.in_facts IS 'Lines in the facts';
COMMENT ON COLUMN warehouse.days.revenue IS 'Of the lines in the facts, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.net_revenue IS 'The same, of statuses that count as a sale, less what was refunded of these; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.quality_failures IS 'Rows that break a rule, summed over the rules; a failed rule about the day counts 1';
COMMENT ON COLUMN warehouse.days.runtime_seconds IS 'Seconds that the last run took';
COMMENT ON COLUMN warehouse.days.discount IS 'Of the lines in the facts, whatever the status; revenue is already less these; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.tax IS 'Of the lines in the facts, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.shipping IS 'Of the lines in the facts, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.refunded IS 'Paid back of the lines in the facts, whatever the status; in the warehouse''s currency';
COMMENT ON COLUMN warehouse.days.year IS 'Calendar year of load_date';
COMMENT ON COLUMN warehouse.days.quarter IS 'Quarter of load_date, 1 to 4';
COMMENT ON COLUMN warehouse.days.month IS 'Month of load_date, 1 to 12';
COMMENT ON COLUMN warehouse.days.month_name IS 'Month of load_date, in English: January';
COMMENT ON COLUMN warehouse.days.iso_year IS 'Year that the week belongs to';
COMMENT ON COLUMN warehouse.days.week IS 'ISO week of load_date, 1 to 53; belongs to iso_year';
COMMENT ON COLUMN warehouse.days.day_of_week IS 'Weekday of load_date: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN warehouse.days.day_name IS 'Weekday of load_date, in English: Monday';
COMMENT ON COLUMN warehouse.days.is_weekend IS 'Whether load_date is a Saturday or Sunday';
COMMENT ON COLUMN warehouse.days.day IS 'Old name of load_date: use that';
COMMENT ON COLUMN warehouse.days.status IS 'Old name of run_status: use that';

INSERT INTO audit.settings (name, value, description) VALUES
    ('alert_runtime_seconds', '5400', 'Seconds: audit.alerts names a day whose run took longer; NULL names none'),
    ('alert_dq_failed_rows', '100', 'Rows: audit.alerts names a day on which more of them broke a rule; NULL names none'),
    ('alert_raw_orders', '100', 'Orders: audit.alerts names a day on which fewer were delivered; NULL names none');

CREATE VIEW audit.alerts AS
WITH observations AS (
    SELECT m.run_date,
           o.alert,
           o.observed,
           o.setting,
           o.is_low,
           o.message
    FROM warehouse.daily_metrics m
    CROSS JOIN LATERAL (VALUES
        ('slow run', m.runtime_seconds, 'alert_runtime_seconds', false, 'the run of %s took %s s, more than %s'),
        ('quality failures', m.dq_failed_count::numeric, 'alert_dq_failed_rows', false, 'on %s %s rows broke a rule, more than %s'),
        ('low volume', m.raw_orders_count::numeric, 'alert_raw_orders', true, 'on %s %s orders were delivered, fewer than %s')
    ) AS o (alert, observed, setting, is_low, message)
)
SELECT o.run_date,
       o.alert,
       o.observed,
       s.value::numeric AS threshold,
       format(o.message, to_char(o.run_date, 'YYYY-MM-DD'), o.observed, s.value) AS message
FROM observations o
JOIN audit.settings s ON s.name = o.setting
WHERE CASE WHEN o.is_low THEN o.observed < s.value::numeric ELSE o.observed > s.value::numeric END;

COMMENT ON VIEW audit.alerts IS 'One row per alert of a day: a slow run, quality failures, low volume. Thresholds are in audit.settings; filter by run_date.';
COMMENT ON COLUMN audit.alerts.run_date IS 'Day';
COMMENT ON COLUMN audit.alerts.alert IS 'slow run, quality failures or low volume';
COMMENT ON COLUMN audit.alerts.observed IS 'What daily_metrics says: seconds, rows or orders';
COMMENT ON COLUMN audit.alerts.threshold IS 'What it was compared with, in the same unit';
COMMENT ON COLUMN audit.alerts.message IS 'The alert in words';

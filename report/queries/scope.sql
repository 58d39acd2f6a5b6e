SELECT current_database() AS database,
       to_char(now() AT TIME ZONE z.time_zone, 'YYYY-MM-DD HH24:MI') || ' ' || z.time_zone AS made_at,
       z.time_zone,
       audit.report_setting('currency') AS currency,
       d.last_day,
       greatest(d.first_day, d.last_day - %(days)s + 1) AS first_day,
       d.last_loaded,
       greatest(d.first_day, d.last_day - 6) AS week_first,
       greatest(d.first_day, d.last_day - 29) AS month_first
FROM (
    SELECT coalesce(audit.report_setting('time_zone'), 'UTC') AS time_zone
) AS z
CROSS JOIN (
    SELECT max(s.run_date) AS last_day, min(s.run_date) AS first_day,
           max(s.run_date) FILTER (WHERE s.state = 'succeeded') AS last_loaded
    FROM audit.day_states s
) AS d

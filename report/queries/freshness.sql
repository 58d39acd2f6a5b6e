SELECT f.source, f.last_day, to_char(f.last_delivered_at AT TIME ZONE coalesce(audit.report_setting('time_zone'), 'UTC'), 'YYYY-MM-DD HH24:MI') AS arrived_at,
       f.usual_gap_days, to_char(f.usual_time, 'HH24:MI') AS usual_time, f.due_day, f.is_late
FROM audit.freshness f

SELECT d.source, max(d.run_date) AS newest_day, %(last)s::date - max(d.run_date) AS days_behind,
       count(DISTINCT d.run_date) AS days_delivered, to_char(max(d.ingested_at), 'YYYY-MM-DD HH24:MI') AS arrived_at
FROM audit.daily_deliveries d
WHERE d.run_date BETWEEN %(first)s AND %(last)s AND d.state = 'in force'
GROUP BY d.source
ORDER BY d.source

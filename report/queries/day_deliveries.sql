SELECT d.run_date, d.source, d.file_name, d.row_count, d.rejected_count, d.state, to_char(d.ingested_at, 'YYYY-MM-DD HH24:MI') AS arrived_at
FROM audit.daily_deliveries d
WHERE d.run_date BETWEEN %(first)s AND %(last)s
ORDER BY d.run_date, d.source, d.file_name, d.ingested_at

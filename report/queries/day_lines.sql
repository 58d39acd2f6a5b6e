SELECT l.run_date, l.source, l.delivered, l.duplicate, l.rejected, l.clean, l.superseded, l.in_facts, l.note
FROM audit.day_lines l
WHERE l.run_date BETWEEN %(first)s AND %(last)s
ORDER BY l.run_date, l.source DESC

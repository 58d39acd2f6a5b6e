SELECT n.run_date, n.kind, n.subject, n.in_words
FROM audit.needs_look n
WHERE n.run_date BETWEEN %(first)s AND %(last)s
ORDER BY n.run_date DESC, n.place, n.subject

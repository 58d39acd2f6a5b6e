SELECT h.run_date, h.rule_name, h.severity, h.in_words
FROM audit.rule_history h
WHERE h.run_date BETWEEN %(first)s AND %(last)s AND NOT h.passed
ORDER BY h.run_date, h.severity, h.rule_name

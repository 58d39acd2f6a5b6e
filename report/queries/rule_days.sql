SELECT h.rule_name, h.run_date, h.severity, h.passed, h.in_words
FROM audit.rule_history h
WHERE h.run_date BETWEEN %(first)s AND %(last)s
ORDER BY h.rule_name, h.run_date

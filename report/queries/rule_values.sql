SELECT h.rule_name, h.run_date, h.observed AS value
FROM audit.rule_history h
WHERE h.run_date BETWEEN %(first)s AND %(last)s AND h.observed IS NOT NULL
ORDER BY h.rule_name, h.run_date

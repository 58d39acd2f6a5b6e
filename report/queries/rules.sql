SELECT r.rule_name, r.check_type, r.severity, r.enabled, r.allowed, r.description, h.judged_days, h.failed_days
FROM audit.rules r
LEFT JOIN (
    SELECT v.rule_name, count(*) AS judged_days, count(*) FILTER (WHERE NOT v.passed) AS failed_days
    FROM audit.rule_history v
    WHERE v.run_date BETWEEN %(first)s AND %(last)s
    GROUP BY v.rule_name
) AS h ON h.rule_name = r.rule_name
ORDER BY coalesce(h.failed_days, 0) DESC, r.severity, r.rule_name

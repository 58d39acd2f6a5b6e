SELECT s.run_date, b.what, b.run_date AS beside, b.delivered, b.duplicate, b.rejected, b.superseded, b.not_loaded, b.no_sale,
       b.sold, b.net_revenue, b.per_line_sold, b.in_words
FROM audit.day_states s
CROSS JOIN LATERAL audit.day_beside(s.run_date) WITH ORDINALITY AS b
WHERE s.run_date BETWEEN %(first)s AND %(last)s
ORDER BY s.run_date, b.ordinality

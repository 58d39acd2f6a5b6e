SELECT b.day AS run_date, b.what, b.run_date AS beside, b.delivered, b.duplicate, b.rejected, b.superseded, b.not_loaded, b.no_sale,
       b.sold, b.net_revenue, b.per_line_sold, b.in_words
FROM audit.days_beside(%(first)s, %(last)s) AS b
ORDER BY b.day, b.place

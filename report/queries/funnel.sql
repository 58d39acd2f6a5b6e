SELECT f.place, f.stage AS name, f.events,
       100 * f.events / nullif(first_value(f.events) OVER (ORDER BY f.place), 0) AS percent
FROM (
    SELECT d.place, d.stage, sum(d.events) AS events
    FROM warehouse.daily_funnel d
    WHERE d.day BETWEEN %(week)s AND %(last)s
    GROUP BY d.place, d.stage
) AS f
ORDER BY f.place

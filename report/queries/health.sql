SELECT h.measure, h.unit, max(h.value) FILTER (WHERE h.days = 7) AS seven, max(h.value) FILTER (WHERE h.days = 30) AS thirty
FROM audit.health h
WHERE h.days IS NOT NULL
GROUP BY h.measure, h.unit
ORDER BY h.measure

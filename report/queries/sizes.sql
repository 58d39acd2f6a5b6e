SELECT replace(h.measure, 'size of ', '') AS name, pg_size_pretty(h.value) AS size, h.value AS bytes
FROM audit.health h
WHERE h.days IS NULL
ORDER BY h.value DESC

SELECT s.position, s.step, s.description, s.source, s.writes
FROM audit.dictionary_steps s
ORDER BY s.position

SELECT s.position, s.step, s.inputs, s.writes, s.description
FROM audit.dictionary_steps s
ORDER BY s.position

CREATE VIEW audit.dictionary_steps AS
SELECT s.position,
       s.step,
       s.source,
       s.inputs,
       s.writes,
       s.description
FROM audit.steps s;

COMMENT ON VIEW audit.dictionary_steps IS 'One row per step of a day: what it makes its result from, and what it writes';
COMMENT ON COLUMN audit.dictionary_steps.position IS 'Order in which run_day calls them';
COMMENT ON COLUMN audit.dictionary_steps.step IS 'Its name';
COMMENT ON COLUMN audit.dictionary_steps.source IS 'Source of an extract or a cleaning step';
COMMENT ON COLUMN audit.dictionary_steps.inputs IS 'What it makes its result from';
COMMENT ON COLUMN audit.dictionary_steps.writes IS 'Tables that it writes, as far as rules may read them';
COMMENT ON COLUMN audit.dictionary_steps.description IS 'What it does';

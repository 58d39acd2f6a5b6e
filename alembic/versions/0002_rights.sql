
COMMENT ON COLUMN audit.health.unit IS 'runs, %, seconds, rows per second, records or bytes; bytes of a schema are with indexes and TOAST, those of marts what VACUUM and ANALYZE noted, without TOAST';
COMMENT ON TABLE audit.routine_files IS 'One row per file of db/procedures, the text that this database runs; and the newest revision of the schema, which a dump takes along';
COMMENT ON COLUMN audit.routine_files.path IS 'Below db/procedures; of the revision below alembic/';

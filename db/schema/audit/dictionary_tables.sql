CREATE VIEW audit.dictionary_tables AS
SELECT n.nspname::text AS schema_name,
       c.relname::text AS table_name,
       CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind,
       obj_description(c.oid, 'pg_class') AS description,
       c.oid AS table_id
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('raw', 'staging', 'warehouse', 'audit') AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition;

COMMENT ON VIEW audit.dictionary_tables IS 'One row per table and view of the warehouse, and what it is';
COMMENT ON COLUMN audit.dictionary_tables.schema_name IS 'raw, staging, warehouse or audit';
COMMENT ON COLUMN audit.dictionary_tables.table_name IS 'Its name';
COMMENT ON COLUMN audit.dictionary_tables.kind IS 'table or view';
COMMENT ON COLUMN audit.dictionary_tables.description IS 'What a row is';
COMMENT ON COLUMN audit.dictionary_tables.table_id IS 'Its number in the catalog';

CREATE VIEW audit.dictionary_columns AS
SELECT t.schema_name,
       t.table_name,
       row_number() OVER (PARTITION BY t.table_id ORDER BY a.attnum) AS position,
       a.attname::text AS column_name,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS is_required,
       col_description(t.table_id, a.attnum) AS description
FROM audit.dictionary_tables t
JOIN pg_attribute a ON a.attrelid = t.table_id AND a.attnum > 0 AND NOT a.attisdropped;

COMMENT ON VIEW audit.dictionary_columns IS 'One row per column of a table or view of the warehouse';
COMMENT ON COLUMN audit.dictionary_columns.schema_name IS 'Schema of the table';
COMMENT ON COLUMN audit.dictionary_columns.table_name IS 'Table or view';
COMMENT ON COLUMN audit.dictionary_columns.position IS 'Order of the columns, from 1';
COMMENT ON COLUMN audit.dictionary_columns.column_name IS 'Its name';
COMMENT ON COLUMN audit.dictionary_columns.type IS 'Type of PostgreSQL';
COMMENT ON COLUMN audit.dictionary_columns.is_required IS 'Whether it is NOT NULL; false for columns of views';
COMMENT ON COLUMN audit.dictionary_columns.description IS 'What it means';

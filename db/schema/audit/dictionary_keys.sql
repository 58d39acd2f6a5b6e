CREATE VIEW audit.dictionary_keys AS
SELECT t.schema_name,
       t.table_name,
       k.conname::text AS key_name,
       CASE k.contype WHEN 'p' THEN 'primary' WHEN 'u' THEN 'unique' ELSE 'foreign' END AS kind,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c (attnum, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.attnum ORDER BY c.place) AS columns,
       r.schema_name AS refers_to_schema,
       r.table_name AS refers_to_table,
       CASE WHEN r.table_id IS NOT NULL
            THEN ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS c (attnum, place)
                       JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.attnum ORDER BY c.place) END AS refers_to_columns
FROM audit.dictionary_tables t
JOIN pg_constraint k ON k.conrelid = t.table_id AND k.contype IN ('p', 'u', 'f')
LEFT JOIN audit.dictionary_tables r ON r.table_id = k.confrelid;

COMMENT ON VIEW audit.dictionary_keys IS 'One row per primary, unique and foreign key of a table of the warehouse';
COMMENT ON COLUMN audit.dictionary_keys.schema_name IS 'Schema of the table';
COMMENT ON COLUMN audit.dictionary_keys.table_name IS 'Table';
COMMENT ON COLUMN audit.dictionary_keys.key_name IS 'Name of the constraint';
COMMENT ON COLUMN audit.dictionary_keys.kind IS 'primary, unique or foreign';
COMMENT ON COLUMN audit.dictionary_keys.columns IS 'Its columns, in order';
COMMENT ON COLUMN audit.dictionary_keys.refers_to_schema IS 'Of a foreign key: schema of the table that it refers to';
COMMENT ON COLUMN audit.dictionary_keys.refers_to_table IS 'Of a foreign key: the table that it refers to';
COMMENT ON COLUMN audit.dictionary_keys.refers_to_columns IS 'Of a foreign key: the columns there, in the same order';

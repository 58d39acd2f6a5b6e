SELECT c.schema_name, c.table_name, c.column_name, c.type, c.is_required, c.description
FROM audit.dictionary_columns c
ORDER BY c.schema_name, c.table_name, c.position

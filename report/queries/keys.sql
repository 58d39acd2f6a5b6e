SELECT k.schema_name, k.table_name, k.kind, k.columns, k.refers_to_schema, k.refers_to_table
FROM audit.dictionary_keys k
ORDER BY k.schema_name, k.table_name, k.key_name

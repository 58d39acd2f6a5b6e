SELECT t.schema_name, t.table_name, t.kind, t.description
FROM audit.dictionary_tables t
ORDER BY array_position(ARRAY['warehouse', 'marts', 'staging', 'raw', 'audit'], t.schema_name::text), t.table_name

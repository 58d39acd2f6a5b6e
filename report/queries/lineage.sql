SELECT DISTINCT l.schema_name, l.object_name, l.kind, l.reads_schema, l.reads_object
FROM audit.dictionary_lineage l
ORDER BY l.schema_name, l.object_name, l.reads_schema, l.reads_object

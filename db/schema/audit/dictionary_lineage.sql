-- What PostgreSQL knows of dependencies: tables and functions that a view uses, and what a function of SQL's own form uses. It does not
-- look into the bodies of other functions: what steps read and write is in audit.dictionary_steps.
CREATE VIEW audit.dictionary_lineage AS
WITH uses AS (
    SELECT DISTINCT 'pg_class'::regclass AS user_class, w.ev_class AS user_id, d.refclassid AS used_class, d.refobjid AS used_id
    FROM pg_rewrite w
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refobjid <> w.ev_class
    WHERE d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
    UNION
    SELECT d.classid, d.objid, d.refclassid, d.refobjid
    FROM pg_depend d
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass) AND d.deptype = 'n'
),
objects AS (
    SELECT 'pg_class'::regclass AS class, t.table_id AS id, t.schema_name, t.table_name AS name, t.kind
    FROM audit.dictionary_tables t
    UNION ALL
    SELECT 'pg_proc'::regclass AS class, p.oid AS id, n.nspname::text AS schema_name, p.proname::text AS name, 'function' AS kind
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('raw', 'staging', 'shapes', 'warehouse', 'audit')
)
SELECT o.schema_name, o.name AS object_name, o.kind, r.schema_name AS reads_schema, r.name AS reads_object, r.kind AS reads_kind
FROM uses u
JOIN objects o ON o.class = u.user_class AND o.id = u.user_id
JOIN objects r ON r.class = u.used_class AND r.id = u.used_id
GROUP BY o.schema_name, o.name, o.kind, r.schema_name, r.name, r.kind;

COMMENT ON VIEW audit.dictionary_lineage IS 'One row per view or function, and each table, view or function that PostgreSQL knows it to use';
COMMENT ON COLUMN audit.dictionary_lineage.schema_name IS 'Schema of the object';
COMMENT ON COLUMN audit.dictionary_lineage.object_name IS 'View or function';
COMMENT ON COLUMN audit.dictionary_lineage.kind IS 'view or function';
COMMENT ON COLUMN audit.dictionary_lineage.reads_schema IS 'Schema of what it uses';
COMMENT ON COLUMN audit.dictionary_lineage.reads_object IS 'What it uses';
COMMENT ON COLUMN audit.dictionary_lineage.reads_kind IS 'table, view or function';

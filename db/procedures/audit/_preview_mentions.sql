-- Lists in pg_temp.preview_mentions what the routines and views of the warehouse name in their texts. A view has one row more, with
-- its definition: to ask for it locks what the view reads, so that is done in a subtransaction that is rolled back.
CREATE OR REPLACE FUNCTION audit._preview_mentions() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_preview_mentions$
BEGIN
    CREATE TEMPORARY TABLE preview_mentions (name text COLLATE "C", mentioned text COLLATE "C", view oid, definition text);
    PERFORM audit._preview_take('preview_mentions', $query$
        WITH texts AS MATERIALIZED (
            SELECT n.nspname || '.' || p.proname AS name, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) AS text, NULL::oid AS view
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname IN ('raw', 'staging', 'warehouse', 'audit') AND p.prokind = 'f' AND p.proowner = current_user::regrole
              AND NOT (n.nspname = 'audit' AND p.proname ~ '^_?(preview|place)')
            UNION ALL
            SELECT n.nspname || '.' || c.relname, pg_get_viewdef(c.oid), c.oid
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('staging', 'warehouse') AND c.relkind = 'v'
        )
        SELECT DISTINCT t.name, m[1], NULL::oid, NULL::text
        FROM texts t CROSS JOIN LATERAL regexp_matches(t.text, '\m((?:raw|staging|warehouse|audit)\.\w+)', 'g') AS m
        WHERE t.name <> m[1]
        UNION ALL
        SELECT t.name, NULL, t.view, t.text FROM texts t WHERE t.view IS NOT NULL$query$);
END
$_preview_mentions$;
COMMENT ON FUNCTION audit._preview_mentions() IS 'Lists what the routines and views of the warehouse name in their texts';

-- Makes temporary copies of the routines and views that steps call and that name a stand-in, or name something that does: in
-- the copies the stand-ins are meant. So a preview runs the steps' own text, whatever release it is of. pg_temp._place, which
-- stands for audit._place, says the same of names in data.
--
-- p_entries:   routines and views that are called
-- p_stand_ins: tables, views and sequences that have a stand-in of the same name in pg_temp
-- Locks:  none that stay: views are read in a subtransaction that is rolled back
CREATE OR REPLACE FUNCTION audit._preview_routines(p_entries text[], p_stand_ins text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET check_function_bodies = off
AS $_preview_routines$
DECLARE
    v_copies  jsonb;
    v_copy    jsonb;
    v_command text;
    v_is_done boolean := false;
BEGIN
    BEGIN
        WITH RECURSIVE texts AS MATERIALIZED (
            SELECT (n.nspname || '.' || p.proname) COLLATE "C" AS name, p.oid, true AS is_routine, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) AS text
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname IN ('raw', 'staging', 'warehouse', 'audit') AND p.prokind = 'f' AND p.proowner = current_user::regrole
            UNION ALL
            SELECT (n.nspname || '.' || c.relname) COLLATE "C", c.oid, false, pg_get_viewdef(c.oid)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('staging', 'warehouse', 'audit') AND c.relkind = 'v'
        ),
        mentions AS MATERIALIZED (
            SELECT DISTINCT t.name, m[1] COLLATE "C" AS mentioned
            FROM texts t CROSS JOIN LATERAL regexp_matches(t.text, '\m((?:raw|staging|warehouse|audit)\.\w+)', 'g') AS m
            WHERE t.name <> m[1] AND t.name <> 'audit._place'
        ),
        touching (name) AS (
            SELECT unnest(p_stand_ins || 'audit._place'::text) COLLATE "C"
            UNION
            SELECT m.name FROM mentions m JOIN touching t ON t.name = m.mentioned
        ),
        called (name) AS (
            SELECT unnest(p_entries) COLLATE "C"
            UNION
            SELECT m.mentioned FROM mentions m JOIN called c ON c.name = m.name
        )
        SELECT jsonb_agg(jsonb_build_object(
                   'name', t.name, 'is_routine', t.is_routine,
                   'text', CASE WHEN t.is_routine THEN pg_get_functiondef(t.oid) ELSE format('CREATE OR REPLACE VIEW %s AS %s', t.name, t.text) END,
                   'checker', CASE WHEN t.is_routine THEN has_function_privilege('warehouse_checker', t.oid, 'EXECUTE')
                                   ELSE has_table_privilege('warehouse_checker', t.oid, 'SELECT') END,
                   'arguments', CASE WHEN t.is_routine THEN pg_get_function_identity_arguments(t.oid) END)
               -- A view is made after those that it may read.
               ORDER BY t.is_routine DESC, t.oid)
        INTO v_copies
        FROM texts t WHERE t.name IN (SELECT c.name FROM called c INTERSECT SELECT g.name FROM touching g) AND t.name <> ALL (p_stand_ins || 'audit._place'::text);
        v_is_done := true;
        RAISE triggered_action_exception;  -- only an error rolls back
    EXCEPTION WHEN triggered_action_exception THEN
        IF NOT v_is_done THEN
            RAISE;
        END IF;
    END;

    EXECUTE (
        SELECT format('CREATE OR REPLACE FUNCTION pg_temp._place(p_text text) RETURNS text LANGUAGE sql IMMUTABLE AS %L', 'SELECT '
                      || string_agg('regexp_replace(', '') || 'p_text'
                      || string_agg(format(', %L, %L, ''g'')', format('\m%s\.(%s)\M', s.schema, s.names), 'pg_temp.\1'), ''))
        FROM (SELECT split_part(n.name, '.', 1) AS schema, string_agg(split_part(n.name, '.', 2), '|') AS names
              FROM (SELECT unnest(p_stand_ins || 'audit._place'::text) UNION SELECT c ->> 'name' FROM jsonb_array_elements(v_copies) AS c) AS n (name)
              GROUP BY 1) AS s);

    FOR v_copy IN SELECT c FROM jsonb_array_elements(v_copies) AS c LOOP
        EXECUTE format('SELECT pg_temp._place(%L)', v_copy ->> 'text') INTO v_command;
        EXECUTE v_command;
        v_command := format(CASE WHEN (v_copy ->> 'is_routine')::boolean THEN 'FUNCTION pg_temp.%I(%s)' ELSE 'TABLE pg_temp.%I' END,
                            split_part(v_copy ->> 'name', '.', 2), v_copy ->> 'arguments');
        EXECUTE format('SELECT pg_temp._place(%L)', v_command) INTO v_command;
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', v_command);
        IF (v_copy ->> 'checker')::boolean THEN
            EXECUTE format('GRANT ALL ON %s TO warehouse_checker', v_command);
        END IF;
    END LOOP;
END
$_preview_routines$;
COMMENT ON FUNCTION audit._preview_routines(text[], text[]) IS 'Makes temporary copies of the routines and views that steps call, in which the stand-ins are meant';

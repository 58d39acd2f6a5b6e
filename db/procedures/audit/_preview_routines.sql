-- Makes temporary copies of the routines and views that steps call and that name a stand-in, or name something that does: in
-- the copies the stand-ins are meant. So a preview runs the steps' own text, whatever release it is of. pg_temp._place, which
-- stands for audit._place, says the same of names in data.
--
-- p_entries:   routines and views that are called
-- p_stand_ins: tables and sequences that have a stand-in of the same name in pg_temp
-- Reads:  pg_temp.preview_mentions
CREATE OR REPLACE FUNCTION audit._preview_routines(p_entries text[], p_stand_ins text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET check_function_bodies = off SET client_min_messages = warning
AS $_preview_routines$
DECLARE
    v_stand_ins text[] := p_stand_ins || 'audit._place'::text;
    v_copies    text[];
    v_copy      record;
    v_command   text;
BEGIN
    WITH RECURSIVE touching (name) AS (
        SELECT unnest(v_stand_ins) COLLATE "C"
        UNION
        SELECT m.name FROM pg_temp.preview_mentions m JOIN touching t ON t.name = m.mentioned
    ),
    called (name) AS (
        SELECT unnest(p_entries) COLLATE "C"
        UNION
        SELECT m.mentioned FROM pg_temp.preview_mentions m JOIN called c ON c.name = m.name
    )
    SELECT array_agg(c.name) INTO v_copies FROM called c JOIN touching t ON t.name = c.name WHERE c.name <> ALL (v_stand_ins);

    EXECUTE (
        SELECT format('CREATE OR REPLACE FUNCTION %s(p_text text) RETURNS text LANGUAGE sql IMMUTABLE AS %L', 'pg_temp._place', 'SELECT '
                      || string_agg('regexp_replace(', '') || 'p_text'
                      || string_agg(format(', %L, %L, ''g'')', format('\m%s\.(%s)\M', s.schema, s.names), 'pg_temp.\1'), ''))
        FROM (SELECT split_part(n.name, '.', 1) AS schema, string_agg(split_part(n.name, '.', 2), '|') AS names
              FROM unnest(v_stand_ins || v_copies) AS n (name) GROUP BY 1) AS s);

    -- Routines first: views call them. A view is made after those that it may read.
    FOR v_copy IN
        SELECT pg_get_functiondef(p.oid) AS definition, format('EXECUTE ON FUNCTION %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS right_to,
               has_function_privilege('warehouse_checker', p.oid, 'EXECUTE') AS is_for_rules, 1 AS place, p.oid
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname || '.' || p.proname = ANY (v_copies) AND p.prokind = 'f' AND p.proowner = current_user::regrole
        UNION ALL
        SELECT format('CREATE OR REPLACE VIEW %s AS %s', m.name, m.definition), 'SELECT ON ' || m.name, has_table_privilege('warehouse_checker', m.view, 'SELECT'), 2, m.view
        FROM pg_temp.preview_mentions m WHERE m.view IS NOT NULL AND m.name = ANY (v_copies)
        ORDER BY place, oid
    LOOP
        EXECUTE format('SELECT pg_temp._place(%L)', v_copy.definition) INTO v_command;
        EXECUTE v_command;
        -- For nobody else: PUBLIC has no rights to what the owner makes.
        IF v_copy.is_for_rules THEN
            EXECUTE format('SELECT pg_temp._place(%L)', v_copy.right_to) INTO v_command;
            EXECUTE format('GRANT %s TO warehouse_checker', v_command);
        END IF;
    END LOOP;
END
$_preview_routines$;
COMMENT ON FUNCTION audit._preview_routines(text[], text[]) IS 'Makes temporary copies of the routines and views that steps call, in which the stand-ins are meant';

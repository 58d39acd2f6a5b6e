-- What an input that all days share is now: an object of its parts, or a single value. NULL is not known. A kind more is a
-- branch here and a row of audit.inputs.
--
-- p_step: the step that asks; only the input `step` is its own
-- Reads:  staging.codes, staging.null_markers, staging.fields, warehouse.order_statuses, audit.dq_rules, audit.settings,
--         pg_proc, pg_rewrite, public.alembic_version
CREATE OR REPLACE FUNCTION audit._shared_input(p_input text, p_step audit.steps) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_shared_input$
DECLARE
    v_parts jsonb;
BEGIN
    -- One by one: a step never waits for a lock on a table that is not among its inputs.
    IF p_input = 'codes' THEN
        SELECT jsonb_object_agg(format('%s %L', c.kind, c.source_value), c.canonical_value) INTO v_parts FROM staging.codes c;
    ELSIF p_input = 'null markers' THEN
        SELECT jsonb_object_agg(quote_literal(m.marker), ''::text) INTO v_parts FROM staging.null_markers m;
    ELSIF p_input = 'order statuses' THEN
        SELECT jsonb_object_agg(o.status, to_jsonb(o) - 'status') INTO v_parts FROM warehouse.order_statuses o;
    ELSIF p_input = 'fields' THEN
        SELECT jsonb_object_agg(f.source || '.' || f.field, to_jsonb(f) - '{source,field}'::text[]) INTO v_parts FROM staging.fields f;
    ELSIF p_input = 'rules' THEN
        SELECT jsonb_object_agg(r.rule_name, to_jsonb(r) - 'rule_name') INTO v_parts FROM audit.dq_rules r;
    ELSIF p_input = 'settings' THEN
        SELECT jsonb_object_agg(s.name, s.value) INTO v_parts FROM audit.settings s WHERE s.name <> 'skip_unchanged';
    ELSIF p_input = 'routines' THEN
        -- Rights rewrite a routine's row, too: its text tells what an upgrade has really changed.
        SELECT jsonb_object_agg(r.name, jsonb_build_object('rows', r.rows, 'text', r.text)) INTO v_parts
        FROM (SELECT n.nspname || '.' || p.proname AS name, string_agg(p.oid || ' ' || p.xmin, ',' ORDER BY p.oid) AS rows,
                     md5(string_agg(concat_ws(E'\n', pg_get_function_arguments(p.oid), p.prosrc, p.prosqlbody::text, p.proconfig::text,
                                              p.procost, p.provolatile, p.proisstrict, p.prosecdef), E'\n' ORDER BY p.oid)) AS text
              FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
              WHERE p.oid >= 16384 AND n.nspname IN ('raw', 'staging', 'audit', 'warehouse')
              GROUP BY n.nspname, p.proname) AS r;
    ELSIF p_input = 'views' THEN
        -- Replacing a view between staging and facts rewrites the row of its rule. Its view is looked up, not joined: that
        -- would read all of pg_class, to which each day adds.
        SELECT jsonb_object_agg(v.name, v.versions) INTO v_parts
        FROM (SELECT (SELECT 'staging.' || c.relname FROM pg_class c
                      WHERE c.oid = w.ev_class AND c.relnamespace = 'staging'::regnamespace AND c.relkind = 'v') AS name,
                     string_agg(w.oid || ' ' || w.xmin, ',' ORDER BY w.oid) AS versions
              FROM pg_rewrite w WHERE w.oid >= 16384 GROUP BY name) AS v
        WHERE v.name IS NOT NULL;
    ELSIF p_input = 'step' THEN
        v_parts := to_jsonb(p_step);
    ELSIF p_input = 'revision' THEN
        IF to_regclass('public.alembic_version') IS NOT NULL THEN
            EXECUTE 'SELECT to_jsonb(string_agg(a.version_num, '' '' ORDER BY a.version_num)) FROM public.alembic_version a' INTO v_parts;
        END IF;
        RETURN coalesce(v_parts, '""');
    ELSIF p_input = 'server' THEN
        RETURN to_jsonb(current_setting('server_version_num'));
    ELSE
        RETURN NULL;
    END IF;
    RETURN coalesce(v_parts, '{}');
END
$_shared_input$;
COMMENT ON FUNCTION audit._shared_input(text, audit.steps) IS 'What an input that all days share is now, part by part';

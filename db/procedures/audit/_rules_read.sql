-- The tables that the enabled rules, their samples and words read; NULL if that is not known for one of them.
-- It is not known for rules that cannot be evaluated together: one of them fails, and may not fail the next time.
CREATE OR REPLACE FUNCTION audit._rules_read() RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_rules_read$
DECLARE
    v_query  text;
    v_tables text[];
    v_all    text[] := '{}';
BEGIN
    FOR v_query IN
        SELECT audit._rules_query(r.table_name, array_agg(r.rule_name))
        FROM audit.dq_rules r WHERE r.enabled GROUP BY r.table_name
        UNION ALL
        SELECT format('SELECT %s FROM %s WHERE load_date = $1', string_agg(r.sample, ', '), r.table_name)
        FROM audit.dq_rules r WHERE r.enabled AND r.sample IS NOT NULL AND r.table_name IS NOT NULL GROUP BY r.table_name
        UNION ALL
        SELECT format('SELECT %s', string_agg(r.sample, ', '))
        FROM audit.dq_rules r WHERE r.enabled AND r.sample IS NOT NULL AND r.table_name IS NULL HAVING count(*) > 0
        UNION ALL
        SELECT format('SELECT %s', string_agg(r.words, ', ')) FROM audit.dq_rules r WHERE r.enabled AND r.words IS NOT NULL HAVING count(*) > 0
    LOOP
        v_tables := audit._tables_in_tree(audit._parsed_rules(v_query));
        IF v_tables IS NULL THEN
            RETURN NULL;
        END IF;
        v_all := v_all || v_tables;
    END LOOP;
    RETURN ARRAY(SELECT DISTINCT t.name FROM unnest(v_all) AS t (name) ORDER BY t.name);
END
$_rules_read$;
COMMENT ON FUNCTION audit._rules_read() IS 'The tables that the enabled rules read; NULL if that is not known for one of them';

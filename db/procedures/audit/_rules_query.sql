-- The query that evaluates rules of one table together: a column per rule, and the number of rows looked at.
CREATE OR REPLACE FUNCTION audit._rules_query(p_table_name text, p_rules text[]) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_rules_query$
    SELECT audit._place('SELECT '
           || concat_ws(', ', CASE WHEN p_table_name IS NOT NULL THEN 'count(*) AS "checked rows"' END,
                        string_agg(format(CASE WHEN r.min_value IS NULL AND r.max_value IS NULL
                                               THEN 'count(*) FILTER (WHERE (%s) IS NOT TRUE) AS %I'
                                               ELSE '(%s)::numeric AS %I' END, r.expression, r.rule_name), ', '))
           || coalesce(' FROM ' || p_table_name || ' WHERE load_date = $1', ''))
    FROM audit.dq_rules r
    WHERE r.rule_name = ANY (p_rules);
$_rules_query$;
COMMENT ON FUNCTION audit._rules_query(text, text[]) IS 'The query that evaluates rules of one table together';

-- Notes in pg_temp.preview_lines what the steps of a preview would change: rows of staging, rejected lines, verdicts, dimensions, facts and
-- superseded rows of the day and of others, and the figures of daily_metrics.
CREATE OR REPLACE FUNCTION audit._preview_differences(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_differences$
DECLARE
    v_what record;
    v_live text;
BEGIN
    FOR v_what IN
        SELECT s.staging_table AS name, s.key_columns, CASE s.source WHEN 'orders' THEN ARRAY['status', 'product_id'] WHEN 'events' THEN ARRAY['event_type', 'product_id'] ELSE '{}' END AS groups
        FROM raw.sources s ORDER BY s.position
    LOOP
        v_live := coalesce(warehouse._partition_of(v_what.name::regclass, p_load_date)::text, 'pg_temp.' || split_part(v_what.name, '.', 2) || ' LIMIT 0');
        PERFORM audit._preview_compare('staging', v_what.name, p_load_date, audit._preview_rows(v_live, p_load_date),
            audit._preview_rows('pg_temp.' || split_part(v_what.name, '.', 2), p_load_date), v_what.key_columns, true, v_what.groups);
    END LOOP;

    INSERT INTO pg_temp.preview_lines (line)
    SELECT to_jsonb(r) FROM (
        SELECT 'rejected' AS part, coalesce(b.source_table, a.source_table) AS name, p_load_date AS load_date, 'reason' AS grouped_by,
               coalesce(b.reason, a.reason) AS value, coalesce(b.lines, 0)::text AS before, coalesce(a.lines, 0)::text AS after
        FROM (SELECT o.source_table, left(o.failure_reason, 200) AS reason, sum(o.line_count) AS lines FROM audit.bad_records o
              WHERE o.run_date = p_load_date GROUP BY 1, 2) AS b
        FULL JOIN (SELECT o.source_table, left(o.failure_reason, 200) AS reason, sum(o.line_count) AS lines FROM pg_temp.bad_records o GROUP BY 1, 2) AS a
               ON a.source_table = b.source_table AND a.reason = b.reason
        WHERE a.lines IS DISTINCT FROM b.lines ORDER BY 2, 5
    ) AS r;
    PERFORM audit._preview_verdict(p_load_date);

    IF to_regclass('pg_temp.before_dim_user') IS NOT NULL THEN
        FOR v_what IN
            SELECT * FROM (VALUES ('dim_date', ARRAY['date_id'], true), ('dim_user', ARRAY['user_id'], false), ('dim_product', ARRAY['product_id'], true),
                                  ('dim_product_history', ARRAY['product_id', 'effective_from'], true)) AS d (name, key_columns, is_shown)
        LOOP
            PERFORM audit._preview_compare('dimension', 'warehouse.' || v_what.name, p_load_date, format('TABLE pg_temp.%I', 'before_' || v_what.name),
                format('TABLE pg_temp.%I', v_what.name), v_what.key_columns, v_what.is_shown);
        END LOOP;
    END IF;
    IF to_regclass('pg_temp.preview_neighbours') IS NOT NULL THEN
        DELETE FROM pg_temp.fact_orders f WHERE (f.load_date, f.order_id) IN (SELECT n.load_date, n.order_id FROM pg_temp.preview_neighbours n);
    END IF;
    FOR v_what IN
        SELECT * FROM (VALUES ('fact_orders', ARRAY['order_id', 'line_number'], ARRAY['status', 'product_id'], 'orders_superseded'),
                              ('fact_events', ARRAY['event_id', 'event_ts'], ARRAY['event_type', 'product_id'], 'events_superseded')) AS f (name, key_columns, groups, superseded)
    LOOP
        CONTINUE WHEN to_regclass('pg_temp.before_' || v_what.name) IS NULL;
        v_live := coalesce(warehouse._partition_of(format('warehouse.%I', v_what.name)::regclass, p_load_date)::text, format('pg_temp.%I LIMIT 0', v_what.name));
        PERFORM audit._preview_compare('facts', 'warehouse.' || v_what.name, p_load_date,
            format('%s UNION ALL TABLE pg_temp.%I', audit._preview_rows(v_live, p_load_date), 'before_' || v_what.name),
            format('TABLE pg_temp.%I', v_what.name), v_what.key_columns, true, v_what.groups);
        PERFORM audit._preview_compare('superseded', 'warehouse.' || v_what.superseded, p_load_date, format('TABLE pg_temp.%I', 'before_' || v_what.superseded),
            format('TABLE pg_temp.%I', v_what.superseded), v_what.key_columns, true);
    END LOOP;

    INSERT INTO pg_temp.preview_lines (line)
    SELECT jsonb_build_object('part', 'metric', 'name', a.name, 'load_date', m.run_date, 'before', b.figures ->> a.name, 'after', a.value)
    FROM pg_temp.daily_metrics m
    LEFT JOIN LATERAL (SELECT to_jsonb(o) AS figures FROM warehouse.daily_metrics o WHERE o.run_date = m.run_date) AS b ON true
    CROSS JOIN LATERAL jsonb_each_text(to_jsonb(m)) AS a (name, value)
    WHERE a.name NOT IN ('run_date', 'runtime_seconds', 'rows_per_second', 'created_at', 'updated_at') AND a.value IS DISTINCT FROM b.figures ->> a.name
    ORDER BY m.run_date <> p_load_date, m.run_date,
             (SELECT c.attnum FROM pg_attribute c WHERE c.attrelid = 'warehouse.daily_metrics'::regclass AND c.attname = a.name);
END
$_preview_differences$;
COMMENT ON FUNCTION audit._preview_differences(date) IS 'Notes what the steps of a preview would change';

-- The query that gives the rows of a day of a table or partition.
CREATE OR REPLACE FUNCTION audit._preview_rows(p_table text, p_load_date date) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_rows$
    SELECT format('(SELECT t.* FROM (TABLE %s) AS t WHERE t.load_date = %L)', p_table, p_load_date);
$_preview_rows$;
COMMENT ON FUNCTION audit._preview_rows(text, date) IS 'The query that gives the rows of a day of a table or partition';

-- Notes what the gate would say, beside its last verdict: passed, blocked, or let through although rules block; and rule by rule.
CREATE OR REPLACE FUNCTION audit._preview_verdict(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_verdict$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_temp.pipeline_steps s JOIN pg_temp.dq_results d ON d.run_id = s.run_id WHERE s.step = 'check_quality') THEN
        RETURN;
    END IF;
    INSERT INTO pg_temp.preview_lines (line)
    SELECT jsonb_build_object('part', 'verdict', 'name', 'gate', 'load_date', p_load_date,
        'before', (SELECT CASE WHEN v.passed THEN 'passed' ELSE 'blocked' END FROM audit.gate_verdicts v WHERE v.run_date = p_load_date),
        'after', (SELECT CASE WHEN v.passed THEN 'passed' ELSE 'blocked' END FROM pg_temp.gate_verdicts v WHERE v.run_date = p_load_date));
    INSERT INTO pg_temp.preview_lines (line)
    SELECT jsonb_build_object('part', 'rule', 'name', a.rule_name, 'load_date', p_load_date, 'grouped_by', 'severity', 'value', a.severity,
        'before', CASE WHEN b.passed THEN 'passes' ELSE 'fails: ' || b.message END, 'after', CASE WHEN a.passed THEN 'passes' ELSE 'fails: ' || a.message END,
        'keys', to_jsonb(CASE WHEN NOT a.passed THEN a.sample END))
    FROM pg_temp.dq_results a
    LEFT JOIN audit.dq_results b ON b.run_id = (SELECT v.run_id FROM audit.gate_verdicts v WHERE v.run_date = p_load_date) AND b.rule_name = a.rule_name
    WHERE a.run_id = (SELECT r.run_id FROM pg_temp.pipeline_runs r)
    ORDER BY a.passed, a.rule_name;
END
$_preview_verdict$;
COMMENT ON FUNCTION audit._preview_verdict(date) IS 'Notes what the gate would say in a preview, beside its last verdict';

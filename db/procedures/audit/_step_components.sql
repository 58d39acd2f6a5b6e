-- Everything that a step makes its result from, input by input: a digest or a number for each. A wrong skip is worse than
-- none: so it lists more than a step reads rather than less, and an input that is not known is null and makes the step work.
--
-- Reads: raw.file_loads, staging.loads, staging.codes, staging.null_markers, staging.fields, warehouse.order_statuses, warehouse.daily_metrics,
--        warehouse.unseen_members, warehouse.exchange_rates, staging.shapes, audit.settings, audit.dq_rules, what audit._usual_inputs reads, audit.dq_overrides, pg_proc, pg_rewrite
-- Call it under the step's locks. What else a rule reads is only known after it was judged: see audit._has_changed_since.
--
-- It does not see what somebody with the owner's rights changes in staging and facts by hand. After that
-- DELETE FROM audit.step_inputs, or set skip_unchanged to 0, and run the days again.
CREATE OR REPLACE FUNCTION audit._step_components(p_step audit.steps, p_load_date date) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET "TimeZone" = 'UTC'
AS $_step_components$
DECLARE
    v_versions bigint[] := audit._staging_versions(p_load_date);
    v_revision text;
    v_name     text;
    v_value    text;
    v_own      jsonb := '{}';
BEGIN
    IF to_regclass('public.alembic_version') IS NOT NULL THEN
        EXECUTE 'SELECT string_agg(a.version_num, '' '' ORDER BY a.version_num) FROM public.alembic_version a' INTO v_revision;
    END IF;
    -- One by one: a step never waits for a lock on a table that is not among its inputs.
    FOREACH v_name IN ARRAY p_step.inputs LOOP
        IF v_name = 'codes' THEN
            SELECT audit._digest(string_agg(c::text, E'\n' ORDER BY c.kind, c.source_value)) INTO v_value FROM staging.codes c;
        ELSIF v_name = 'null markers' THEN
            SELECT audit._digest(string_agg(m.marker, E'\n' ORDER BY m.marker)) INTO v_value FROM staging.null_markers m;
        ELSIF v_name = 'order statuses' THEN
            SELECT audit._digest(string_agg(o::text, E'\n' ORDER BY o.status)) INTO v_value FROM warehouse.order_statuses o;
        ELSIF v_name = 'fields' THEN
            SELECT audit._digest(string_agg(f::text, E'\n' ORDER BY f.source, f.field)) INTO v_value FROM staging.fields f;
        ELSIF v_name = 'deliveries' THEN
            SELECT audit._digest(string_agg(d::text, E'\n' ORDER BY d.file_name COLLATE "C")) INTO v_value
            FROM raw._deliveries_in_force(p_step.source, p_load_date) d;
        ELSIF v_name = 'shapes' THEN  -- those of the day's deliveries; a change of another shape is not theirs
            SELECT coalesce(audit._digest(string_agg(concat_ws(E'\n', d.file_name, s::text, (
                       SELECT string_agg(f.definition, E'\n' ORDER BY f.definition) FROM staging._functions_of_shape(s.routine) f)), E'\n'
                       ORDER BY d.file_name COLLATE "C")), 'none') INTO v_value
            FROM raw._deliveries_in_force(p_step.source, p_load_date) d CROSS JOIN LATERAL staging._shape_of(p_step.source, d.file_name) s;
        ELSIF v_name = 'staging' THEN
            v_value := v_versions::text;
        ELSIF v_name = 'staging of orders' THEN
            v_value := v_versions[1]::text;
        ELSIF v_name = 'staging of events' THEN
            v_value := v_versions[2]::text;
        ELSIF v_name = 'rules' THEN
            SELECT audit._digest(string_agg(r::text, E'\n' ORDER BY r.rule_name)) INTO v_value FROM audit.dq_rules r;
        ELSIF v_name = 'rates' THEN  -- those that an order of the day may be converted at
            SELECT audit._digest(string_agg(x::text, E'\n' ORDER BY x.currency, x.valid_from)) INTO v_value
            FROM warehouse.exchange_rates x
            WHERE x.valid_from <= p_load_date
              AND NOT EXISTS (SELECT FROM warehouse.exchange_rates n
                              WHERE n.currency = x.currency AND n.valid_from > x.valid_from AND n.valid_from <= staging.oldest_date(p_load_date));
        ELSIF v_name = 'overrides' THEN
            SELECT coalesce(string_agg(o.staging_versions::text, ' ' ORDER BY o.override_id), '') INTO v_value
            FROM audit.dq_overrides o WHERE o.run_date = p_load_date;
        ELSIF v_name = 'usual' THEN
            v_value := audit._usual_inputs(p_load_date);
        ELSIF v_name = 'figures' THEN  -- kept by the fact steps of this day and of others
            SELECT concat_ws(' ', m.fact_orders_count, m.superseded_orders_count, m.fact_events_count,
                             m.superseded_events_count, m.revenue, m.net_revenue, m.discount, m.tax, m.shipping, m.refunded) INTO v_value
            FROM warehouse.daily_metrics m WHERE m.run_date = p_load_date;
        ELSIF v_name = 'unseen members' THEN  -- whether they can go depends on the facts of all days
            v_value := CASE WHEN NOT EXISTS (SELECT FROM warehouse.unseen_members) THEN 'none' END;
        ELSE
            v_value := NULL;
        END IF;
        v_own := v_own || jsonb_build_object(v_name, v_value);
    END LOOP;

    RETURN v_own || jsonb_build_object(
        'settings', (SELECT audit._digest(string_agg(s::text, E'\n' ORDER BY s.name)) FROM audit.settings s
                     WHERE s.name <> 'skip_unchanged'),
        'step', audit._digest(p_step::text),
        -- Replacing a routine rewrites its row of pg_proc, from psql too. PostgreSQL's own, below 16384, are not read.
        'routines', (SELECT audit._digest(string_agg(p.oid || ' ' || p.xmin, ',' ORDER BY p.oid)) FROM pg_proc p
                     WHERE p.oid >= 16384 AND p.pronamespace IN ('raw'::regnamespace, 'staging'::regnamespace, 'audit'::regnamespace, 'warehouse'::regnamespace)),
        -- Replacing a view between staging and facts rewrites the row of its rule. Its view is looked up, not joined: that
        -- would read all of pg_class, to which each day adds.
        'views', (SELECT audit._digest(string_agg(w.oid || ' ' || w.xmin, ',' ORDER BY w.oid))
                  FROM pg_rewrite w
                  WHERE w.oid >= 16384
                    AND (SELECT c.relnamespace = 'staging'::regnamespace AND c.relkind = 'v' FROM pg_class c WHERE c.oid = w.ev_class)),
        'revision', coalesce(v_revision, ''),
        'server', current_setting('server_version_num'));
END
$_step_components$;
COMMENT ON FUNCTION audit._step_components(audit.steps, date) IS 'Everything that a step makes its result from, input by input';

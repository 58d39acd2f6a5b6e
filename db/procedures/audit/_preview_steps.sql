-- Runs the steps of a day in the place that audit._preview_begin made, in their order, and stops at the first that fails, as run_day
-- does. What came of each is a line in pg_temp.preview_lines.
--
-- Locks: what the steps lock of the day (advisory), which the caller holds already
CREATE OR REPLACE FUNCTION audit._preview_steps(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_steps$
DECLARE
    v_run_id  bigint := (SELECT r.run_id FROM pg_temp.pipeline_runs r);
    v_step    record;
    v_result  audit.step_result;
    v_outcome text;
BEGIN
    FOR v_step IN
        SELECT s.step, s.position FROM audit.steps s WHERE s.procedure IS NOT NULL AND s.worker IS NOT NULL ORDER BY s.position
    LOOP
        INSERT INTO pg_temp.pipeline_steps (step_id, run_id, step, status) VALUES (v_step.position, v_run_id, v_step.step, 'running');
        v_result := NULL;
        BEGIN
            IF v_step.step = 'load_dim_date' THEN
                PERFORM audit._preview_dimensions(p_load_date);
            ELSIF v_step.step = 'reload_fact_orders' THEN
                PERFORM audit._preview_orders(p_load_date);
            ELSIF v_step.step = 'reload_fact_events' THEN
                PERFORM audit._preview_events(p_load_date);
            ELSIF v_step.step = 'compute_daily_metrics' THEN
                PERFORM audit._preview_needed_members(p_load_date);
            END IF;
            v_result := CASE WHEN v_step.step = 'check_quality' THEN audit._preview_gate(p_load_date, v_step.position) ELSE pg_temp._perform_step(v_step.position) END;
            v_outcome := CASE WHEN v_result.blocked_reason IS NOT NULL THEN 'blocked'
                              WHEN EXISTS (SELECT FROM pg_temp.step_inputs i WHERE i.step = v_step.step AND i.run_date = p_load_date
                                           AND i.worked_in = pg_current_xact_id()) THEN 'works'
                              ELSE 'nothing to do' END;
        EXCEPTION
            WHEN query_canceled OR deadlock_detected OR lock_not_available OR SQLSTATE 'WH006' THEN
                RAISE;  -- it says nothing about the day
            WHEN OTHERS THEN
                v_outcome := format('fails: %s (%s)', SQLERRM, SQLSTATE);
        END;
        INSERT INTO pg_temp.preview_lines (line)
        SELECT jsonb_build_object('part', 'step', 'name', v_step.step, 'load_date', p_load_date, 'after', v_outcome);
        EXIT WHEN v_outcome NOT IN ('works', 'nothing to do');
    END LOOP;

    UPDATE pg_temp.pipeline_runs r
    SET status = CASE WHEN v_outcome = 'blocked' THEN 'blocked' WHEN v_outcome LIKE 'fails%' THEN 'failed' ELSE 'succeeded' END, ended_at = clock_timestamp();
    PERFORM pg_temp._write_daily_metrics(p_load_date, v_run_id);
END
$_preview_steps$;
COMMENT ON FUNCTION audit._preview_steps(date) IS 'Runs the steps of a day in a preview''s place, and notes what came of each';

-- Judges the staging of a preview. Rules also read other days and the warehouse as it is: for them each of the day's tables of staging
-- shows the rows of other days, too, and what is in the warehouse has no stand-in. Reading these takes locks, so all of it is rolled
-- back in the end but what was written of the verdict.
CREATE OR REPLACE FUNCTION audit._preview_gate(p_load_date date, p_step_id bigint) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_gate$
DECLARE
    c_written constant text[] := ARRAY['dq_results', 'gate_verdicts', 'dq_overrides', 'step_inputs'];
    -- What the cleaning steps write and rules may read of other days, too.
    c_cleaned constant text[] := ARRAY['staging.orders_clean', 'staging.events_clean', 'staging.products_clean', 'staging.loads',
                                       'audit.day_profile', 'audit.day_codes', 'audit.profile_digests'];
    v_name    text;
    v_rows    text[];
    v_kept    jsonb := '{}';
    v_result  audit.step_result;
    v_is_done boolean := false;
BEGIN
    BEGIN
        FOREACH v_name IN ARRAY c_cleaned LOOP
            EXECUTE format('ALTER TABLE pg_temp.%1$I RENAME TO %2$I', split_part(v_name, '.', 2), 'own_' || split_part(v_name, '.', 2));
            EXECUTE format('CREATE TEMPORARY VIEW %1$I AS SELECT %3$s FROM pg_temp.%2$I UNION ALL SELECT %3$s FROM %4$s WHERE %6$I <> %5$L',
                           split_part(v_name, '.', 2), 'own_' || split_part(v_name, '.', 2), warehouse._column_list(v_name::regclass), v_name, p_load_date,
                           CASE WHEN v_name LIKE 'staging.%' THEN 'load_date' ELSE 'run_date' END);
            IF v_name LIKE 'staging.%' THEN
                EXECUTE format('GRANT SELECT ON pg_temp.%I TO warehouse_checker', split_part(v_name, '.', 2));
            END IF;
        END LOOP;
        PERFORM audit._preview_routines(
            ARRAY['audit._perform_step', 'audit._check_quality']
            || ARRAY(SELECT DISTINCT m[1] FROM audit.dq_rules r CROSS JOIN LATERAL regexp_matches(concat_ws(' ', r.expression, r.sample, r.words), '\m((?:raw|staging|warehouse|audit)\.\w+)', 'g') AS m),
            c_cleaned || ARRAY['audit.pipeline_runs', 'audit.pipeline_steps', 'audit.input_states'] || ARRAY(SELECT 'audit.' || w FROM unnest(c_written) AS w));
        v_result := pg_temp._perform_step(p_step_id);
        FOREACH v_name IN ARRAY c_written LOOP
            EXECUTE format('SELECT array_agg(t::text) FROM pg_temp.%I AS t', v_name) INTO v_rows;
            v_kept := v_kept || jsonb_build_object(v_name, coalesce(v_rows, '{}'));
        END LOOP;
        v_is_done := true;
        RAISE triggered_action_exception;  -- only an error rolls back
    EXCEPTION WHEN triggered_action_exception THEN
        IF NOT v_is_done THEN
            RAISE;
        END IF;
    END;
    FOREACH v_name IN ARRAY c_written LOOP
        EXECUTE format('DELETE FROM pg_temp.%I', v_name);
        PERFORM audit._preview_put(v_name, ARRAY(SELECT jsonb_array_elements_text(v_kept -> v_name)));
    END LOOP;
    RETURN v_result;
END
$_preview_gate$;
COMMENT ON FUNCTION audit._preview_gate(date, bigint) IS 'Judges the staging of a preview';

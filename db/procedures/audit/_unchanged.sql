-- Unchanged inputs, nothing to do: what the workers have in common to find that out. A stale skip would be worse than
-- none: the digest holds more than a step reads rather than less, and what cannot be known makes the step work.
--
-- What somebody with the owner's rights does to staging and facts by hand is not seen: then
-- DELETE FROM audit.step_inputs WHERE run_date = …, or setting skip_unchanged 0, and run the day again.

-- The digest of everything that a step makes its result from; NULL if it has to work whatever that is.
-- To be called under the step's locks.
CREATE OR REPLACE FUNCTION audit._input_digest(p_step text, p_load_date date) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET "TimeZone" = 'UTC'
AS $_input_digest$
DECLARE
    v_versions bigint[] := audit._staging_versions(p_load_date);
    v_revision text;
    v_inputs   text;
BEGIN
    IF audit._setting('skip_unchanged') IS DISTINCT FROM 1 THEN
        RETURN NULL;
    END IF;

    IF p_step LIKE 'clean_%' THEN
        SELECT string_agg(d::text, E'\n' ORDER BY d.file_name COLLATE "C") INTO v_inputs
        FROM raw._deliveries_in_force(substr(p_step, 7), p_load_date) d;
    ELSIF p_step = 'check_quality' THEN
        -- A rule may look at other days: nobody can tell what it saw of those that are changing.
        IF EXISTS (SELECT FROM audit.pipeline_steps s JOIN audit.pipeline_runs r ON r.run_id = s.run_id
                   WHERE s.status = 'running' AND r.run_date <> p_load_date) THEN
            RETURN NULL;
        END IF;
        v_inputs := concat_ws(E'\n', v_versions::text,
            (SELECT string_agg(r::text, E'\n' ORDER BY r.rule_name) FROM audit.dq_rules r),
            (SELECT string_agg(o::text, E'\n' ORDER BY o.allowed_at) FROM audit.dq_overrides o WHERE o.run_date = p_load_date),
            (SELECT i.work_number FROM audit.step_inputs i WHERE i.run_date <> p_load_date ORDER BY i.work_number DESC LIMIT 1));
    ELSIF p_step = 'reload_fact_orders' THEN
        v_inputs := v_versions[1]::text;
    ELSIF p_step = 'reload_fact_events' THEN
        v_inputs := v_versions[2]::text;
    ELSIF p_step = 'compute_daily_metrics' THEN
        SELECT concat_ws(' ', v_versions::text, m.fact_orders_count, m.superseded_orders_count, m.fact_events_count,
                         m.superseded_events_count, m.revenue, m.net_revenue)
        INTO v_inputs FROM warehouse.daily_metrics m WHERE m.run_date = p_load_date;
    ELSE
        v_inputs := v_versions::text;
    END IF;

    IF to_regclass('public.alembic_version') IS NOT NULL THEN
        EXECUTE 'SELECT string_agg(a.version_num, '' '') FROM public.alembic_version a' INTO v_revision;
    END IF;
    -- Whoever replaces a routine writes its row of pg_proc anew, from psql too.
    RETURN encode(sha256(convert_to(concat_ws(E'\n', v_inputs, v_revision,
        (SELECT string_agg(s::text, E'\n' ORDER BY s.name) FROM audit.settings s),
        (SELECT string_agg(c::text, E'\n' ORDER BY c.kind, c.source_value) FROM staging.codes c),
        (SELECT string_agg(f::text, E'\n' ORDER BY f.source, f.field) FROM staging.fields f),
        (SELECT string_agg(o::text, E'\n' ORDER BY o.status) FROM warehouse.order_statuses o),
        (SELECT string_agg(p.oid || ' ' || p.xmin, ',' ORDER BY p.oid) FROM pg_proc p
         WHERE p.pronamespace IN ('raw'::regnamespace, 'staging'::regnamespace, 'audit'::regnamespace, 'warehouse'::regnamespace))
        ), 'UTF8')), 'hex');
END
$_input_digest$;
COMMENT ON FUNCTION audit._input_digest(text, date) IS 'The digest of everything that a step makes its result from';

-- What a step made from these inputs before, if that is still there; its rows_in is NULL if the step has to work.
CREATE OR REPLACE FUNCTION audit._earlier_result(p_step text, p_load_date date, p_digest text) RETURNS audit.step_result
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_earlier_result$
DECLARE
    v_inputs audit.step_inputs;
    v_result audit.step_result;
BEGIN
    SELECT i.* INTO v_inputs FROM audit.step_inputs i
    WHERE i.step = p_step AND i.run_date = p_load_date AND i.digest = p_digest;
    IF NOT FOUND OR NOT (CASE
        WHEN p_step LIKE 'clean_%' THEN EXISTS (
            SELECT FROM staging.loads l
            WHERE l.source = substr(p_step, 7) AND l.load_date = p_load_date AND l.staging_version = v_inputs.staging_version)
            AND (coalesce(v_inputs.rows_out, 0) = 0 OR warehouse._partition_of(('staging.' || substr(p_step, 7) || '_clean')::regclass, p_load_date) IS NOT NULL)
        WHEN p_step LIKE 'reload_%' THEN
            coalesce(v_inputs.rows_out, 0) = 0 OR warehouse._partition_of(('warehouse.' || substr(p_step, 8))::regclass, p_load_date) IS NOT NULL
        WHEN p_step = 'check_quality' THEN EXISTS (
            SELECT FROM audit.gate_verdicts v
            WHERE v.run_date = p_load_date AND v.passed AND v.staging_versions = audit._staging_versions(p_load_date))
        ELSE true END)
    THEN
        RETURN NULL;
    END IF;
    v_result.rows_in := v_inputs.rows_in;
    v_result.rows_out := v_inputs.rows_out;
    v_result.rows_rejected := v_inputs.rows_rejected;
    v_result.rows_duplicate := v_inputs.rows_duplicate;
    RETURN v_result;
END
$_earlier_result$;
COMMENT ON FUNCTION audit._earlier_result(text, date, text) IS 'What a step made from these inputs before, if that is still there';

-- Remembers from what a step made its result. Returns the result.
CREATE OR REPLACE FUNCTION audit._remember_result(p_step text, p_load_date date, p_digest text, p_result audit.step_result)
RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_remember_result$
BEGIN
    -- Always a new row: its work_number says that something was done.
    DELETE FROM audit.step_inputs i WHERE i.step = p_step AND i.run_date = p_load_date;
    INSERT INTO audit.step_inputs (step, run_date, digest, staging_version, rows_in, rows_out, rows_rejected, rows_duplicate)
    VALUES (p_step, p_load_date, coalesce(p_digest, 'not known'),
            (SELECT l.staging_version FROM staging.loads l WHERE l.source = substr(p_step, 7) AND l.load_date = p_load_date AND p_step LIKE 'clean_%'),
            coalesce(p_result.rows_in, 0), p_result.rows_out, p_result.rows_rejected, p_result.rows_duplicate);
    RETURN p_result;
END
$_remember_result$;
COMMENT ON FUNCTION audit._remember_result(text, date, text, audit.step_result) IS 'Remembers from what a step made its result';

-- Worker of check_quality: judges the staging of a day by the enabled rules.
--
-- Reads:  audit.dq_rules; through them staging and warehouse
-- Writes: audit.dq_results of the day's newest run, audit.gate_verdicts, audit.dq_overrides.used_by_run_id
-- Errors: WH011 the day was not cleaned
-- Safe to repeat: the same staging and rules give the same verdict.
--
-- One scan evaluates all rules of a table. A rule that cannot be evaluated has failed, with the error as its message.
CREATE OR REPLACE FUNCTION audit._check_quality(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_check_quality$
DECLARE
    v_versions bigint[];
    v_run_id   bigint;
    v_allowed  boolean;
    v_blockers text;
    v_result   audit.step_result;
BEGIN
    v_versions := audit._staging_versions(p_load_date);
    IF v_versions[1] = 0 OR v_versions[2] = 0 THEN
        RAISE EXCEPTION 'the % of % were not cleaned', CASE v_versions[1] WHEN 0 THEN 'orders' ELSE 'events' END, p_load_date
            USING ERRCODE = 'WH011', DETAIL = 'The gate judges staging, and that day has none.',
                  HINT = format('CALL staging.clean_orders(%L); CALL staging.clean_events(%1$L); or the whole day: CALL warehouse.run_day(%1$L);', p_load_date);
    END IF;
    SELECT max(r.run_id) INTO v_run_id FROM audit.pipeline_runs r WHERE r.run_date = p_load_date;

    DELETE FROM audit.dq_results d WHERE d.run_id = v_run_id;
    INSERT INTO audit.dq_results (run_id, run_date, rule_name, check_type, severity, passed, failed_count, checked_count,
                                  observed, message, sample)
    SELECT v_run_id, p_load_date, r.rule_name, r.check_type, r.severity, j.passed, j.failed_count, j.checked_count,
           j.observed, j.message, j.sample
    FROM (SELECT t.table_name FROM audit.dq_rules t WHERE t.enabled GROUP BY t.table_name) AS tables
    CROSS JOIN LATERAL audit._judge(tables.table_name, p_load_date) AS j
    JOIN audit.dq_rules r ON r.rule_name = j.rule_name;

    SELECT string_agg(format('%s: %s.', d.rule_name, d.message), ' ' ORDER BY d.rule_name)
           FILTER (WHERE NOT d.passed AND d.severity = 'critical'),
           coalesce(sum(d.failed_count), 0), count(*)
    INTO v_blockers, v_result.rows_rejected, v_result.rows_out
    FROM audit.dq_results d WHERE d.run_id = v_run_id;
    SELECT coalesce(sum(l.clean_count), 0) INTO v_result.rows_in FROM staging.loads l
    WHERE l.load_date = p_load_date;

    IF v_blockers IS NOT NULL THEN
        UPDATE audit.dq_overrides o SET used_by_run_id = coalesce(o.used_by_run_id, v_run_id)
        WHERE o.run_date = p_load_date AND o.staging_versions = v_versions;
        v_allowed := FOUND;
        IF NOT v_allowed THEN
            v_result.blocked_reason := v_blockers;
        END IF;
    END IF;

    INSERT INTO audit.gate_verdicts AS g (run_date, staging_versions, passed, run_id)
    VALUES (p_load_date, v_versions, v_result.blocked_reason IS NULL, v_run_id)
    ON CONFLICT ON CONSTRAINT gate_verdicts_pkey DO UPDATE
    SET staging_versions = excluded.staging_versions, passed = excluded.passed, run_id = excluded.run_id,
        judged_at = excluded.judged_at;
    RETURN v_result;
END
$_check_quality$;
COMMENT ON FUNCTION audit._check_quality(date) IS 'Worker of check_quality: judges the staging of a day by the enabled rules';
